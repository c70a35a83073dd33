import pytest

from emorec.outputs.records import image_record
from emorec.types import Box, Face, FaceEmotion, Prediction

FACE = FaceEmotion(Face(Box(1, 2, 3, 4), "haar", 5.5), Prediction({"happy": 0.75, "sad": 0.25}))


@pytest.mark.parametrize(
    ("size_wh", "faces", "status"),
    [(None, [], "unreadable"), ((640, 480), [], "no_face"), ((640, 480), [FACE], "ok")],
)
def test_status(size_wh, faces, status):
    record = image_record("a.jpg", size_wh, faces)
    assert record["status"] == status
    assert (record["width"], record["height"]) == (size_wh or (None, None))
    assert len(record["faces"]) == len(faces)
