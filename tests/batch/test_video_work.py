import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.clips import write_clip
from helpers.faulty_opencv import write_faulty_opencv
from helpers.odd_media import ffmpeg
from helpers.onnx_models import write_tiny_model

from emorec.batch.video_work import VideoSettings, VideoWork
from emorec.errors import DataError, ModelError
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.recognizer import EmotionRecognizer
from emorec.inference.stream import StreamSettings
from emorec.media.sources import MediaSource
from emorec.media.video import VideoReader
from emorec.outputs.marked_images import FaceCrops
from emorec.types import Box, Face

FRAMES = 20


class Detector:
    """Detects one face; its box moves with the brightness."""

    def detect(self, image_bgr):
        return [Face(Box(int(image_bgr.mean()) // 10, 5, 30, 30), "stub", 2.5)]


@pytest.fixture
def recognizer(tmp_path: Path) -> EmotionRecognizer:
    classifier = EmotionClassifier(write_tiny_model(tmp_path / "tiny.onnx"))
    return EmotionRecognizer(Detector(), classifier)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    shades = (np.full((60, 80, 3), 100 + 2 * n, np.uint8) for n in range(FRAMES))
    return write_clip(tmp_path / "clip.avi", shades, fps=10)


def frame_count(path: Path) -> int:
    with VideoReader(path) as reader:
        return sum(1 for _ in reader)


def test_all_frames_and_then_the_summary(recognizer, clip: Path, tmp_path: Path):
    with VideoWork(recognizer).run(clip, tmp_path / "out") as run:
        assert (run.result, run.expected_frames) == (None, None)
        results = list(run)
        assert run.expected_frames == FRAMES
    assert [result.record["frame"] for result in results] == list(range(FRAMES))
    assert all(result.tracked.detected for result in results)
    assert run.result.record["frames"] == FRAMES
    assert [track.id for track in run.result.tracks] == [1]
    assert run.result.annotated.written == tmp_path / "out" / "clip-emotions.avi"
    assert frame_count(run.result.annotated.written) == FRAMES


def test_without_a_folder_no_video_is_written(recognizer, clip: Path, tmp_path: Path):
    before = sorted(tmp_path.iterdir())
    with VideoWork(recognizer).run(clip) as run:
        list(run)
    assert run.result.annotated is None
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("count", [1, 7])
def test_leaving_early_finishes_what_was_done(recognizer, clip: Path, tmp_path: Path, count: int):
    with VideoWork(recognizer).run(clip, tmp_path) as run:
        for number, _ in enumerate(run, 1):
            if number == count:
                break
    assert run.result.record["frames"] == count
    assert frame_count(tmp_path / "clip-emotions.avi") == count
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("emorec")]


def test_closed_before_the_first_frame(recognizer, clip: Path, tmp_path: Path):
    run = VideoWork(recognizer).run(clip, tmp_path)
    run.close()
    run.close()
    assert run.result is None
    assert not (tmp_path / "clip-emotions.avi").exists()


def test_an_interrupt_in_the_loop_finishes_what_was_done(recognizer, clip: Path, tmp_path: Path):
    run = VideoWork(recognizer).run(clip, tmp_path)

    def interrupted() -> None:
        with run:
            for number, _ in enumerate(run, 1):
                if number == 5:
                    raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert run.result.record["frames"] == frame_count(tmp_path / "clip-emotions.avi") == 5


def test_a_model_that_fails_finishes_what_was_done(
    recognizer, clip: Path, tmp_path: Path, monkeypatch
):
    recognize = recognizer.recognize_frame

    def failing(frame):
        if frame.number == 8:
            raise ModelError("the model failed")
        return recognize(frame)

    monkeypatch.setattr(recognizer, "recognize_frame", failing)
    run = VideoWork(recognizer).run(clip, tmp_path)
    with pytest.raises(ModelError), run:
        list(run)
    assert run.result.record["frames"] == frame_count(tmp_path / "clip-emotions.avi") == 8


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("none.avi", "none.avi: no such file"),
        (MediaSource("a.avi", "a", problem="gone", is_video=True), "a.avi: gone"),
    ],
)
def test_a_video_that_cannot_be_opened(recognizer, tmp_path: Path, source, message: str):
    with VideoWork(recognizer).run(source, tmp_path / "out") as run:
        (result,) = run
    assert (result.record["status"], result.tracked) == ("unreadable", None)
    assert result.problems == (message,)
    assert run.result is None
    assert not (tmp_path / "out").exists()


def test_a_video_that_is_cut_off(recognizer, tmp_path: Path):
    clip = write_clip(tmp_path / "a.avi", [np.full((60, 80, 3), 90, np.uint8)] * 60)
    data = clip.read_bytes()
    clip.write_bytes(data[: int(0.8 * len(data))])
    with VideoWork(recognizer).run(clip) as run:
        *results, last = run
    assert len(results) == run.result.record["frames"] > 20
    assert (last.record["status"], last.tracked) == ("unreadable", None)
    assert "truncated" in last.problems[0]


def test_a_folder_that_cannot_be_made(recognizer, clip: Path):
    run = VideoWork(recognizer).run(clip, clip / "below")
    with pytest.raises(DataError, match="cannot make the folder"), run:
        list(run)
    assert run.result is None


def test_outputs_of_frames_in_which_faces_are_detected(recognizer, clip: Path, tmp_path: Path):
    settings = VideoSettings(
        every=2, end_s=1.0, stream=StreamSettings(detect_every=2), timeline=True
    )
    work = VideoWork(recognizer, settings, [FaceCrops(tmp_path / "crops", 0.0)])
    with work.run(clip) as run:
        results = list(run)
    assert [result.record["frame"] for result in results] == [0, 2, 4, 6, 8]
    assert [len(result.written) for result in results] == [1, 0, 1, 0, 1]
    assert len(run.result.tracks[0].points) == 5


def test_opencv_has_its_threads_back(recognizer, clip: Path):
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        with VideoWork(recognizer).run(clip) as run:
            next(iter(run))
            assert cv2.getNumThreads() == 1
        assert cv2.getNumThreads() == 3
    finally:
        cv2.setNumThreads(before)


def test_a_crash_of_the_decoder_costs_one_video(
    recognizer, clip: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.syspath_prepend(write_faulty_opencv(tmp_path / "opencv"))
    crashing = tmp_path / "crash.avi"
    crashing.write_bytes(clip.read_bytes())
    work = VideoWork(recognizer)
    with work.run(crashing, tmp_path / "out") as run:
        *results, last = run
    assert [result.record["frame"] for result in results] == list(range(5))
    assert last.record["status"] == "unreadable"
    assert last.problems == (
        f"{crashing}: the decoder crashed after 5 frames; is the video damaged?",
    )
    assert run.result.record["frames"] == 5
    with work.run(clip) as whole:
        assert len(list(whole)) == FRAMES
    monkeypatch.undo()
    assert frame_count(run.result.annotated.written) == 5


def test_leaving_early_does_not_wait_for_a_decoder_that_hangs(
    recognizer, clip: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.syspath_prepend(write_faulty_opencv(tmp_path / "opencv"))
    hanging = clip.rename(tmp_path / "hang.avi")
    with VideoWork(recognizer).run(hanging) as run:
        results = iter(run)
        for _ in range(5):
            next(results)
        start = time.monotonic()
    assert time.monotonic() - start < 15  # a decoder may take 20 s for a frame
    assert run.result.record["frames"] == 5


def check_damaged_videos(recognizer, folder: Path, count: int) -> None:
    """Damage videos of several formats; each has a record, and no record of a frame is lost."""
    shades = [np.full((60, 80, 3), 100 + 2 * n, np.uint8) for n in range(FRAMES)]
    clip = write_clip(folder / "whole.mp4", shades)
    sources = [clip]
    for name in ("whole.avi", "whole.mkv", "whole.webm", "whole.ts"):
        ffmpeg("-i", clip, folder / name)
        sources.append(folder / name)
    rng = np.random.default_rng(count)
    ends = {"ok": 0, "unreadable": 0}
    for number in range(count):
        source = sources[number % len(sources)]
        data = bytearray(source.read_bytes())
        for place in rng.integers(0, len(data), rng.integers(1, 40)):
            data[place] = rng.integers(0, 256)
        damaged = folder / f"damaged{source.suffix}"
        damaged.write_bytes(data[: rng.integers(len(data) // 2, len(data) + 1)])
        with VideoWork(recognizer).run(damaged) as run:
            *results, last = run
        frames = [*results, last] if last.record["status"] != "unreadable" else results
        assert len(frames) == (run.result.record["frames"] if run.result else 0)
        ends["unreadable" if last.record["status"] == "unreadable" else "ok"] += 1
    assert sum(ends.values()) == count
    assert ends["unreadable"] > count / 10


@pytest.mark.parametrize(
    "count",
    [10, pytest.param(40, marks=pytest.mark.slow), pytest.param(200, marks=pytest.mark.long)],
)
def test_damaged_videos(recognizer, tmp_path: Path, count: int):
    check_damaged_videos(recognizer, tmp_path, count)


class Missing(Detector):
    """Detects no face in the frames of a middle brightness."""

    def detect(self, image_bgr):
        return [] if 110 < image_bgr.mean() < 120 else super().detect(image_bgr)


@pytest.mark.parametrize("blur", [None, "box"])
@pytest.mark.parametrize("max_gap_s", [1.0, 0.0])
def test_a_blurred_face_stays_blurred_where_it_is_missed(
    recognizer, clip: Path, tmp_path: Path, blur, max_gap_s
):
    """For the longest gap; the frames of the results are unchanged."""
    settings = VideoSettings(blur=blur, stream=StreamSettings(max_gap_s=max_gap_s))
    work = VideoWork(recognizer.with_detector(Missing()), settings)
    with work.run(clip, tmp_path / "out") as run:
        results = list(run)
    missing = {n for n, result in enumerate(results) if not result.record["faces"]}
    assert 3 <= len(missing) <= 5
    assert all(result.tracked.frame.image_bgr.min() > 90 for result in results)
    with VideoReader(run.result.annotated.written) as reader:
        blurred = {n for n, f in enumerate(reader) if f.image_bgr[15:30, 20:35].mean() < 30}
    if blur is None:
        assert blurred == set()
    else:
        assert blurred == set(range(FRAMES)) - (missing if max_gap_s == 0 else set())


def test_crops_of_videos_are_blurred(recognizer, clip: Path, tmp_path: Path):
    work = VideoWork(
        recognizer, VideoSettings(blur="box"), [FaceCrops(tmp_path / "crops", 0.1, blur="box")]
    )
    with work.run(clip) as run:
        assert len(list(run)) == FRAMES
    crops = sorted((tmp_path / "crops").iterdir())
    assert len(crops) == FRAMES
    assert not any(cv2.imread(str(path)).any() for path in crops)
