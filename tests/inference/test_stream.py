import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.clips import Placed, crossing, draw, write_clip
from helpers.onnx_models import write_tiny_model

from emorec.detection.haar import HaarDetector
from emorec.errors import ConfigError, DataError, ModelError
from emorec.frames import Frame
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.inference.stream import FrameResult, StreamSettings, track_faces
from emorec.inference.tracking import TRACKED
from emorec.media.video import VideoReader
from emorec.outputs.records import image_record
from emorec.types import Box, Face, FaceEmotion, Prediction


def frames(count: int, fps: float = 10) -> Iterator[Frame]:
    for number in range(count):
        image = np.full((20, 20, 3), number % 256, np.uint8)
        yield Frame(image, (20, 20), number, number / fps)


def stub(frame: Frame) -> list[FaceEmotion]:
    face = Face(Box(5 + (frame.number or 0) % 3, 5, 10, 10), "stub", 1.0)
    return [FaceEmotion(face, Prediction({"happy": 0.75, "sad": 0.25}))]


@pytest.fixture
def recognizer(tmp_path: Path) -> EmotionRecognizer:
    model = write_tiny_model(tmp_path / "tiny.onnx")
    return EmotionRecognizer(HaarDetector(min_size=40), EmotionClassifier(model))


@pytest.mark.parametrize("count", [0, 1, 57])
@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("detect_every", [1, 4])
def test_every_frame_is_yielded_once_and_in_order(count, workers, detect_every):
    settings = StreamSettings(detect_every, workers=workers)
    results = list(track_faces(frames(count), stub, settings))
    assert [result.frame.number for result in results] == list(range(count))
    assert [r.detected for r in results] == [n % detect_every == 0 for n in range(count)]
    for result in results:
        (face,) = result.faces
        assert face.id == 1
        assert face.face.detector == ("stub" if result.detected else TRACKED)
        assert face.prediction.emotion == "happy"


def test_a_result_as_a_dictionary():
    (result,) = track_faces(frames(1), stub, StreamSettings())
    (face,) = result.faces
    assert result.to_dict() == {
        "width": 20,
        "height": 20,
        "frame": 0,
        "time_s": 0.0,
        "detected": True,
        "faces": [face.to_dict()],
    }
    assert face.to_dict()["id"] == 1
    record = image_record("clip.mp4", (20, 20), result.faces, frame=0, time_s=0.0)
    shared = result.to_dict().keys() & record.keys()
    assert shared == result.to_dict().keys() - {"detected"}
    assert {name: record[name] for name in shared} == {
        name: result.to_dict()[name] for name in shared
    }


@pytest.mark.parametrize(
    "options", [{"detect_every": 0}, {"smooth_s": -1}, {"max_gap_s": -1}, {"workers": 0}]
)
def test_settings_out_of_range(options):
    with pytest.raises(ConfigError):
        StreamSettings(**options)


def test_the_queue_is_bounded():
    read = []

    def counted() -> Iterator[Frame]:
        for frame in frames(200):
            read.append(frame.number)
            yield frame

    for result in track_faces(counted(), stub, StreamSettings(5, workers=2)):
        assert len(read) <= (result.frame.number or 0) + 2 * 5 + 4


def test_frames_are_processed_at_the_same_time():
    both = threading.Barrier(2)

    def search(frame: Frame) -> list[FaceEmotion]:
        both.wait(timeout=20)
        return []

    assert len(list(track_faces(frames(8), search, StreamSettings(workers=2)))) == 8


def test_a_slow_consumer_of_a_camera_skips_frames():
    count = 300

    def slow_source() -> Iterator[Frame]:
        for frame in frames(count):
            time.sleep(0.001)
            yield frame

    numbers = []
    for result in track_faces(slow_source(), stub, StreamSettings(workers=1), drop_late=True):
        numbers.append(result.frame.number or 0)
        time.sleep(0.02)
    assert len(numbers) < count / 2
    assert numbers == sorted(numbers)
    assert numbers[-1] > count / 2


def damaged() -> Iterator[Frame]:
    yield from frames(3)
    raise DataError("damaged")


def failing(frame: Frame) -> list[FaceEmotion]:
    if frame.number == 3:
        raise ModelError("no finite numbers")
    return []


@pytest.mark.parametrize(
    ("source", "search", "error", "before"),
    [(damaged(), stub, DataError, 3), (frames(100), failing, ModelError, 3)],
)
def test_errors_follow_the_frames_before_them(source, search, error, before):
    stream = track_faces(source, search, StreamSettings())
    for _ in range(before):
        next(stream)
    with pytest.raises(error):
        next(stream)


def test_leaving_early_ends_the_threads():
    before = threading.active_count()
    stream = track_faces(frames(10**9), stub, StreamSettings(workers=3))
    next(stream)
    stream.close()
    assert threading.active_count() == before


# With boxes of the detector, on rendered frames


def owners(results: list[FrameResult], truth: list[dict[str, Placed]]) -> dict[int, Counter[str]]:
    """Count for each id on whose face it was, in frames where neither face hides the other."""
    counts: dict[int, Counter[str]] = {}
    for result, placed in zip(results, truth, strict=True):
        centers = [place.x for place in placed.values()]
        if not result.detected or (len(centers) == 2 and abs(centers[0] - centers[1]) < 60):
            continue
        for face in result.faces:
            box = face.face.box
            x, y = box.x + box.width / 2, box.y + box.height / 2
            name = min(placed, key=lambda n: np.hypot(placed[n].x - x, placed[n].y - y))
            assert np.hypot(placed[name].x - x, placed[name].y - y) < 30
            assert face.id is not None
            counts.setdefault(face.id, Counter())[name] += 1
    return counts


@pytest.mark.parametrize("detect_every", [1, 3])
def test_ids_are_stable_when_faces_cross_and_one_leaves(tmp_path: Path, recognizer, detect_every):
    truth = [dict(zip(("back", "front"), pair, strict=True)) for pair in crossing()]
    # Then the one in front rests, and is missing for ten frames.
    last = truth[-1]
    for number in range(30):
        both = 10 <= number < 20
        truth.append({"back": last["back"]} if both else last)
    clip = write_clip(tmp_path / "clip.avi", (draw(list(faces.values())) for faces in truth))
    results = list(recognizer.stream(clip, StreamSettings(detect_every)))
    assert len(results) == len(truth)
    ids = owners(results, truth)
    assert {id_: set(names) for id_, names in ids.items()} == {1: {"front"}, 2: {"back"}}
    assert all(sum(names.values()) > 60 / detect_every for names in ids.values())
    gone = results[74:81]
    assert all({face.id for face in result.faces} == {2} for result in gone)


@pytest.mark.parametrize("detect_every", [1, 3])
def test_a_face_that_leaves_the_image_and_returns(tmp_path: Path, recognizer, detect_every):
    """It crosses the border, is out of sight for ten frames, and returns."""
    way = [*range(240, 500, 10), *([580] * 6), *range(500, 240, -10)]
    clip = write_clip(tmp_path / "clip.avi", (draw([Placed(x, 135)]) for x in way))
    ids = {
        face.id for r in recognizer.stream(clip, StreamSettings(detect_every)) for face in r.faces
    }
    assert ids == {1}


# EmotionRecognizer.stream


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "still.mp4", [draw([Placed(240, 135)])] * 12, fps=24)


def test_kinds_of_videos(recognizer, clip: Path):
    with VideoReader(clip) as reader:
        kinds = [clip, str(clip), reader, iter(list(VideoReader(clip)))]
        for video in kinds:
            results = list(recognizer.stream(video))
            assert [r.frame.number for r in results] == list(range(12))
            assert [len(r.faces) for r in results] == [1] * 12
            times = [r.frame.time_s for r in results]
            assert times == pytest.approx([n / 24 for n in range(12)], abs=1e-3)


def test_no_video(recognizer):
    with pytest.raises(DataError, match="no such file"):
        list(recognizer.stream("none.mp4"))


def test_the_region_applies_to_videos(recognizer, clip: Path):
    left = EmotionRecognizer(HaarDetector(), recognizer.classifier, roi=Box(0, 0, 150, 270))
    assert not any(result.faces for result in left.stream(clip))


_MEMORY = """
import resource, sys
import cv2
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.inference.stream import StreamSettings
cv2.setNumThreads(1)
recognizer = EmotionRecognizer(None, EmotionClassifier(sys.argv[2]))
frames = sum(1 for _ in recognizer.stream(sys.argv[1], StreamSettings(10, workers=2)))
print(frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(tmp_path: Path):
    model = write_tiny_model(tmp_path / "tiny.onnx")
    image = draw([Placed(160, 120)], (320, 240))
    peaks = []
    for count in (300, 3000):
        clip = write_clip(tmp_path / f"{count}.avi", [image] * count)
        command = [sys.executable, "-c", _MEMORY, str(clip), str(model)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        frames, peak = map(int, done.stdout.split())
        assert frames == count
        peaks.append(peak)
    assert peaks[1] < 1.05 * peaks[0]


def _real_faces(photos: Path) -> list[np.ndarray]:
    """Two faces of a photo, with hair and neck, of equal size."""
    photo = cv2.imread(str(photos / "two_people.jpg"))
    faces = HaarDetector(min_size=60).detect(photo)
    assert len(faces) == 2
    cut = []
    for box in (face.box for face in faces):
        part = photo[
            max(box.y - 20, 0) : box.y + box.height + 30, box.x - 20 : box.x + box.width + 20
        ]
        cut.append(cv2.resize(part, (150, 170), interpolation=cv2.INTER_AREA))
    return cut


def _pasted(canvas: np.ndarray, face: np.ndarray, x: float, y: int) -> None:
    height, width = face.shape[:2]
    left = round(x - width / 2)
    inside = slice(max(left, 0), min(left + width, canvas.shape[1]))
    if inside.start < inside.stop:
        canvas[y : y + height, inside] = face[:, inside.start - left : inside.stop - left]


@pytest.mark.real
@pytest.mark.parametrize("detect_every", [1, 5])
def test_ids_of_real_faces_that_cross_and_leave(shared_data: Path, tmp_path: Path, detect_every):
    left, right = _real_faces(shared_data / "photos")
    count = 90
    ways: list[dict[str, Placed]] = []
    for number in range(count):
        gone = 70 <= number < 80
        right_x = 900 if gone else max(540 - 6 * number, 100)
        ways.append({"left": Placed(100 + 5 * number, 145), "right": Placed(right_x, 165)})

    def drawn() -> Iterator[np.ndarray]:
        for placed in ways:
            canvas = np.full((360, 640, 3), 110, np.uint8)
            _pasted(canvas, right, placed["right"].x, 80)
            _pasted(canvas, left, placed["left"].x, 60)
            yield canvas

    clip = write_clip(tmp_path / "clip.mp4", drawn())
    recognizer = EmotionRecognizer(HaarDetector(min_size=60))
    results = list(recognizer.stream(clip, StreamSettings(detect_every)))
    visible = [{name: place for name, place in placed.items() if place.x < 600} for placed in ways]
    ids = owners(results, visible)
    longest = {id_: names for id_, names in ids.items() if sum(names.values()) * detect_every > 9}
    assert {id_: set(names) for id_, names in longest.items()} == {1: {"left"}, 2: {"right"}}
    after = [result for result in results if (result.frame.number or 0) >= 85 and result.detected]
    assert all({face.id for face in result.faces} >= {2} for result in after)


@pytest.mark.parametrize(("detect_every", "max_gap_s"), [(1, 0.35), (3, 0.35), (1, 0.0)])
def test_missed_faces(detect_every, max_gap_s):
    """A face of the first four frames is missed for the longest gap, and then no more."""

    def recognize(frame: Frame) -> list[FaceEmotion]:
        return stub(frame) if (frame.number or 0) < 4 else []

    settings = StreamSettings(detect_every, max_gap_s=max_gap_s)
    results = list(track_faces(frames(12), recognize, settings))
    for result in results:
        hidden = {(box.y, box.width >= 10) for box in result.missed}
        number = result.frame.number
        known = not result.faces and number / 10 - 0.3 <= max_gap_s
        assert hidden == ({(5, True)} if known else set())
