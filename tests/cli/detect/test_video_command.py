import csv
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from helpers.clips import Placed, draw, write_clip
from helpers.onnx_models import write_tiny_model

from emorec import resources
from emorec.cli.detect import window as _window
from emorec.cli.detect.face_table import clock
from emorec.cli.main import main
from emorec.detection import haar
from emorec.inference.tracking import TRACKED
from emorec.media import video_writer
from emorec.media.video import VideoReader
from emorec.types import Box, Face


class StubDetector:
    """Finds a face that moves with the brightness of the picture; none in a black one."""

    def __init__(self, **options):
        pass

    def detect(self, image_bgr):
        value = int(image_bgr.mean())
        return [Face(Box(value // 10, 5, 30, 30), "stub", 2.5)] if value > 8 else []


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> Path:
    """An empty current folder, a tiny model as the shipped one, and a stub of the detector."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    shipped = write_tiny_model(tmp_path / "shipped.onnx")
    monkeypatch.setattr(resources, "shipped_model", lambda: shipped)
    monkeypatch.setattr(haar, "HaarDetector", StubDetector)
    return folder


def clip(name: str = "clip.avi", frames: int = 20, value: int = 100) -> str:
    """A video of ten frames a second that grows lighter."""
    shades = (np.full((60, 80, 3), value + 2 * n, np.uint8) for n in range(frames))
    write_clip(Path(name), shades, fps=10)
    return name


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["detect", *arguments])


def names() -> list[str]:
    return sorted(path.name for path in Path().iterdir())


def lines(path: str = "r.jsonl") -> list[dict]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


# Results


def test_the_summary_and_the_video():
    result = run(clip("clip.mp4"))
    assert result.exit_code == 0
    first, header, face, wrote = result.stdout.splitlines()
    assert first == "clip.mp4: 20 frames, 2.0 s, 1 face"
    assert header.split() == ["face", "from-to", "seen", "mostly", "changes"]
    assert face.split()[:4] == ["1", "0:00.0-0:01.9", "2.0", "s"]
    assert wrote == "wrote clip-emotions.mp4"
    with VideoReader("clip-emotions.mp4") as reader:
        assert (reader.fps, reader.size_wh) == (pytest.approx(10), (80, 60))
        frames = list(reader)
    assert len(frames) == 20
    plain = 100 + 2 * 10
    assert np.abs(frames[10].image_bgr.astype(int) - plain).max() > 80


def test_records_of_each_frame():
    result = run(clip(), "--no-save", "--jsonl", "r.jsonl", "--csv", "r.csv", "--json", "r.json")
    assert result.exit_code == 0
    records = lines()
    assert [record["frame"] for record in records] == list(range(20))
    assert [record["time_s"] for record in records] == [n / 10 for n in range(20)]
    assert {face["id"] for record in records for face in record["faces"]} == {1}
    with Path("r.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["frame"], row["id"]) for row in rows] == [(str(n), "1") for n in range(20)]
    document = json.loads(Path("r.json").read_text())
    assert [r["frame"] for r in document["images"]] == list(range(20))
    (video,) = document["videos"]
    assert (video["source"], video["frames"]) == ("clip.avi", 20)
    (track,) = video["tracks"]
    assert track["seconds"] == video["duration_s"] == pytest.approx(2)
    assert track["emotion"] == next(iter(track["shares"]))
    assert sum(track["shares"].values()) == pytest.approx(1)


def test_no_face_is_a_result():
    result = run(clip(frames=1, value=0), "--jsonl", "r.jsonl")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "clip.avi: 1 frames, 0.1 s, no faces"
    assert [record["status"] for record in lines()] == ["no_face"]


def test_pictures_and_videos_mixed_keep_their_order():
    cv2.imwrite("a.png", np.full((60, 80, 3), 90, np.uint8))
    sources = ["a.png", clip("b.avi", 3), "a.png", clip("c.avi", 2)]
    result = run(*sources, "--jsonl", "r.jsonl")
    assert result.exit_code == 0
    assert [(record["source"], record["frame"]) for record in lines()] == [
        ("a.png", None),
        *[("b.avi", n) for n in range(3)],
        ("a.png", None),
        *[("c.avi", n) for n in range(2)],
    ]
    assert {"a-emotions.jpg", "b-emotions.avi", "c-emotions.avi"} <= set(names())


@pytest.mark.parametrize(
    ("options", "frames"),
    [
        (("--every", "6"), [0, 6, 12, 18]),
        (("--start", "1.5"), range(15, 20)),
        (("--end", "0:00:00.4"), range(4)),
        (("--start", "0:01", "--end", "1.3", "--every", "2"), [10, 12]),
    ],
)
def test_parts(options, frames):
    assert run(clip(), *options, "--jsonl", "r.jsonl").exit_code == 0
    assert [record["frame"] for record in lines()] == list(frames)
    with VideoReader("clip-emotions.avi") as reader:
        assert sum(1 for _ in reader) == len(frames)


def test_detection_now_and_then():
    assert run(clip(), "--detect-every", "4", "--jsonl", "r.jsonl").exit_code == 0
    detectors = [face["detector"] for record in lines() for face in record["faces"]]
    assert detectors == ["stub", TRACKED, TRACKED, TRACKED] * 5


def test_smoothing_can_be_turned_off():
    found = {}
    for smooth in ("0", "9"):
        run(clip(), "--smooth", smooth, "--jsonl", "r.jsonl", "--no-save")
        found[smooth] = [record["faces"][0]["probabilities"] for record in lines()]
    assert found["0"][0] == found["9"][0]
    assert found["0"][-1] != found["9"][-1]


def test_a_video_in_a_folder_is_taken_by_its_pattern():
    Path("in").mkdir()
    clip("in/clip.avi", 2)
    assert run("in", "--glob", "*.avi", "--jsonl", "r.jsonl").exit_code == 0
    assert len(lines()) == 2
    assert names() == ["in", "r.jsonl"]


def test_the_smallest_face_of_videos_is_another_than_that_of_pictures(monkeypatch):
    shares = []

    class Recorded(StubDetector):
        def __init__(self, **options):
            shares.append(options.get("min_share"))

    monkeypatch.setattr(haar, "HaarDetector", Recorded)
    cv2.imwrite("a.png", np.full((60, 80, 3), 90, np.uint8))
    assert run("a.png", clip(frames=1), "a.png", "--no-save").exit_code == 0
    assert shares == [None, haar.MIN_SIZE_SHARE_OF_VIDEOS]


def test_crops_are_of_the_frames_that_are_searched():
    assert run(clip(frames=3), "--detect-every", "2", "--crops", "faces").exit_code == 0
    assert len(list(Path("faces").iterdir())) == 2


# Usage


@pytest.mark.parametrize(
    "options",
    [
        ("--every", "0"),
        ("--start", "-1"),
        ("--start", "1:2:3:4"),
        ("--end", "soon"),
        ("--end", "nan"),
        ("--start", "2", "--end", "1"),
        ("--detect-every", "0"),
        ("--smooth", "-1"),
        ("--max-gap", "-1"),
        ("--plot", "a.pdf"),
        ("--plot", "none/a.png"),
        ("--resume", "--jsonl", "r.jsonl"),
    ],
)
def test_options_that_make_no_sense(options):
    result = run(clip(), *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert names() == ["clip.avi"]


def test_options_for_videos_where_there_is_none():
    cv2.imwrite("a.png", np.zeros((60, 80, 3), np.uint8))
    result = run("a.png", "--detect-every", "5")
    assert result.exit_code == 2
    assert "--detect-every is for videos" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [("clip.avi", "clip-emotions.avi"), ("clip.avi", "--plot", "x.png", "--jsonl", "x.png")],
)
def test_no_output_may_be_an_input_or_another(arguments):
    clip()
    clip("clip-emotions.avi")
    before = names()
    result = run(*arguments)
    assert result.exit_code == 2
    assert "would be written over" in result.stderr
    assert names() == before


def test_options_are_no_times_by_accident():
    assert [clock(s) for s in (0, 59.96, 61.25, 3600)] == [
        "0:00.0",
        "1:00.0",
        "1:01.2",
        "1:00:00.0",
    ]


# Trouble


def test_what_cannot_be_read_does_not_stop_the_rest():
    Path("empty.mp4").write_bytes(b"")
    Path("text.mp4").write_text("no video" * 99)
    result = run("empty.mp4", "text.mp4", "none.mp4", "987", clip(frames=2), "--jsonl", "r.jsonl")
    assert result.exit_code == 1
    # Without ffmpeg, a note says that the copy of the clip has no sound.
    errors = [line for line in result.stderr.splitlines() if not line.startswith("note: ")]
    assert [line.split(":")[:2] for line in errors] == [
        ["error", f" {name}"] for name in ("empty.mp4", "text.mp4", "none.mp4", "987")
    ]
    assert [record["status"] for record in lines()] == ["unreadable"] * 4 + ["ok"] * 2


def test_a_cut_off_video_gives_its_frames_and_then_its_status():
    data = Path(clip("whole.avi", 60)).read_bytes()
    Path("cut.avi").write_bytes(data[: int(0.8 * len(data))])
    result = run("cut.avi", "--jsonl", "r.jsonl")
    assert result.exit_code == 1
    assert "cut.avi: ends after" in result.stderr
    *frames, last = lines()
    assert len(frames) > 20
    assert {record["status"] for record in frames} == {"ok"}
    assert (last["status"], last["frame"]) == ("unreadable", None)
    assert "cut off" in last["error"]
    with VideoReader("cut-emotions.avi") as reader:
        assert sum(1 for _ in reader) == len(frames)


def test_a_part_beyond_the_end():
    result = run(clip(), "--start", "9")
    assert result.exit_code == 1
    assert "no frame in the part asked for" in result.stderr
    assert names() == ["clip.avi"]


def test_a_full_disk_costs_the_video_not_the_records(monkeypatch):
    monkeypatch.setattr(video_writer, "_LEAST_FREE_BYTES", 2**62)
    result = run(clip(), "--jsonl", "r.jsonl")
    assert result.exit_code == 1
    assert result.stderr == "error: clip-emotions.avi: cannot write the video: the disk is full\n"
    assert len(lines()) == 20
    assert names() == ["clip.avi", "r.jsonl"]


def test_passwords_stay_out_of_the_results():
    address = "rtsp://user:word@127.0.0.1:1/x"
    result = run(address, "--json", "r.json")
    assert result.exit_code == 1
    assert "word" not in result.output + Path("r.json").read_text()


_RUN = """
import sys
from emorec import resources
from pathlib import Path
resources.shipped_model = lambda: Path(sys.argv[1])
from emorec.cli.main import run
try:
    run(sys.argv[2:])
finally:
    loaded = {"tensorflow", "keras", "pandas", "matplotlib"} & sys.modules.keys()
    print("loaded:", *loaded, file=sys.stderr)
"""


def test_ctrl_c_finishes_all_files(tmp_path: Path):
    write_clip(Path("long.avi"), [draw([Placed(80, 60)], (160, 120))] * 5000)
    command = [sys.executable, "-c", _RUN, str(tmp_path / "shipped.onnx"), "detect", "long.avi"]
    outputs = ["--jsonl", "r.jsonl", "--csv", "r.csv", "--json", "r.json"]
    with subprocess.Popen(
        [*command, *outputs], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        try:
            deadline = time.monotonic() + 60
            while not Path("r.jsonl").exists() or Path("r.jsonl").read_bytes().count(b"\n") < 20:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            child.send_signal(signal.SIGINT)
            stdout, stderr = child.communicate(timeout=60)
        finally:
            child.kill()  # leaving the block would wait for it, for ever if it hangs
    assert child.returncode == 130
    assert stderr.splitlines()[-1] == "loaded:"
    assert "interrupted" in stderr
    count = len(lines())
    assert 20 <= count < 5000
    assert f"long.avi: {count} frames" in stdout
    document = json.loads(Path("r.json").read_text())
    assert len(document["images"]) == count
    assert len(document["videos"]) == 1
    with VideoReader("long-emotions.avi") as reader:
        assert sum(1 for _ in reader) == count
    assert not [name for name in names() if "partial" in name]


# Plots and windows


def test_plots():
    result = run(clip(), clip("b.avi", 1, 0), "--no-save", "--plot", "p.png")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-2:] == ["wrote p.png", "wrote p-2.png"]
    assert cv2.imread("p.png").std() > 20
    assert cv2.imread("p-2.png") is not None


def test_a_plot_without_matplotlib(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in ("emorec.batch.timeline_plot", "emorec.figures"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    result = run(clip(), "--plot", "p.png")
    assert (result.exit_code, result.stdout) == (6, "")
    assert "pip install 'emorec[plots]'" in result.stderr
    assert names() == ["clip.avi"]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems always have a display")
def test_a_window_without_a_display(monkeypatch):
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    result = run(clip(), "--show")
    assert (result.exit_code, result.stdout) == (6, "")
    assert "--show cannot open a window here" in result.stderr
    assert names() == ["clip.avi"]


@pytest.mark.parametrize(
    ("key", "visible", "expected"), [(-1, 1, 20), (ord("q"), 1, 1), (27, 1, 1), (-1, 0, 1)]
)
def test_a_window(monkeypatch, key, visible, expected):
    shown = []
    monkeypatch.setattr(_window, "check_display", lambda: None)
    monkeypatch.setattr(cv2, "imshow", lambda title, image: shown.append(image))
    monkeypatch.setattr(cv2, "waitKey", lambda wait: key)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda title, what: visible)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: shown.append(None))
    result = run(clip(), "--show", "--jsonl", "r.jsonl", "--no-save")
    assert result.exit_code == 0
    *frames, closed = shown
    assert closed is None
    assert len(frames) == len(lines()) == expected
    assert frames[0].shape == (60, 80, 3)
    assert frames[0].std() > 5


@pytest.mark.real
def test_a_real_video(shared_data: Path, monkeypatch):
    monkeypatch.undo()
    video = shared_data / "photos" / "test.mp4"
    result = run(str(video), "--no-save", "--detect-every", "5", "--json", "-")
    assert result.exit_code == 0
    (summary,) = json.loads(result.stdout)["videos"]
    assert summary["frames"] == 115
    longest = max(summary["tracks"], key=lambda track: track["seconds"])
    assert longest["emotion"] == "happy"
    assert longest["seconds"] > 3.5
