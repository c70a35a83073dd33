import json

import pytest
from onnx_models import METADATA

from emorec import __version__
from emorec.media.records import image_record, to_json
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


def test_the_document_as_the_schema_has_it():
    """A change here is a change of the schema: raise SCHEMA_VERSION."""
    text = to_json([image_record("a.jpg", (640, 480), [FACE])], METADATA, ["happy", "sad"])
    assert text.endswith("}\n")
    assert json.loads(text) == {
        "schema_version": 1,
        "emorec_version": __version__,
        "model": {"name": "tiny", "version": "1", "labels": ["happy", "sad"]},
        "images": [
            {
                "source": "a.jpg",
                "width": 640,
                "height": 480,
                "frame": None,
                "time_s": None,
                "status": "ok",
                "faces": [
                    {
                        "id": None,
                        "box": [1, 2, 3, 4],
                        "detector": "haar",
                        "detector_score": 5.5,
                        "emotion": "happy",
                        "confidence": 0.75,
                        "probabilities": {"happy": 0.75, "sad": 0.25},
                        "uncertain": False,
                    }
                ],
            }
        ],
    }


def test_no_images():
    assert json.loads(to_json([], METADATA, METADATA.labels))["images"] == []


def test_names_that_are_no_unicode_survive():
    name = "a\udcff.jpg"
    text = to_json([image_record(name, None, [])], METADATA, ["happy"])
    assert text.isascii()
    assert json.loads(text)["images"][0]["source"] == name
