"""Videos from the command line: summary, records, interruption, plots."""

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
from helpers.clips import Placed, draw, write_clip
from helpers.detect_command import (
    MovingDetector,
    enter_workplace,
    lines,
    make_clip,
    names,
    run,
)

from emorec.media import video_writer
from emorec.media.video import VideoReader


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch) -> None:
    enter_workplace(tmp_path, monkeypatch, MovingDetector)


def test_the_summary_and_the_annotated_video():
    result = run(make_clip("clip.mp4"))
    assert result.exit_code == 0
    first, header, face, wrote = result.stdout.splitlines()
    assert first == "clip.mp4: 20 frames, 2.0 s, 1 face"
    assert header.split() == ["face", "from-to", "visible", "mostly", "changes"]
    assert face.split()[:4] == ["1", "0:00.0-0:01.9", "2.0", "s"]
    assert wrote == "wrote clip-emotions.mp4"
    with VideoReader("clip-emotions.mp4") as reader:
        assert (reader.fps, reader.size_wh) == (pytest.approx(10), (80, 60))
        frames = list(reader)
    assert len(frames) == 20
    plain = 100 + 2 * 10
    assert np.abs(frames[10].image_bgr.astype(int) - plain).max() > 80


def test_records_of_each_frame():
    result = run(
        make_clip(), "--no-save", "--jsonl", "r.jsonl", "--csv", "r.csv", "--json-file", "r.json"
    )
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


def test_an_image_without_a_face_is_not_an_error():
    result = run(make_clip(frames=1, value=0), "--jsonl", "r.jsonl")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == "clip.avi: 1 frames, 0.1 s, no faces"
    assert [record["status"] for record in lines()] == ["no_face"]


def test_mixed_images_and_videos_keep_their_order():
    cv2.imwrite("a.png", np.full((60, 80, 3), 90, np.uint8))
    sources = ["a.png", make_clip("b.avi", 3), "a.png", make_clip("c.avi", 2)]
    result = run(*sources, "--jsonl", "r.jsonl")
    assert result.exit_code == 0
    assert [(record["source"], record["frame"]) for record in lines()] == [
        ("a.png", None),
        *[("b.avi", n) for n in range(3)],
        ("a.png", None),
        *[("c.avi", n) for n in range(2)],
    ]
    assert {"a-emotions.jpg", "b-emotions.avi", "c-emotions.avi"} <= set(names())


def test_an_unreadable_video_does_not_stop_the_others():
    Path("empty.mp4").write_bytes(b"")
    Path("text.mp4").write_text("no video" * 99)
    result = run(
        "empty.mp4",
        "text.mp4",
        "none.mp4",
        "987",
        make_clip(frames=2),
        "--jsonl",
        "r.jsonl",
    )
    assert result.exit_code == 1
    # Without ffmpeg, a note says that the copy of the clip has no sound.
    errors = [line for line in result.stderr.splitlines() if not line.startswith("warning: ")]
    assert [line.split(":")[:2] for line in errors] == [
        ["error", f" {name}"] for name in ("empty.mp4", "text.mp4", "none.mp4", "987")
    ]
    assert [record["status"] for record in lines()] == ["unreadable"] * 4 + ["ok"] * 2


def test_a_cut_off_video_yields_its_frames_and_then_its_status():
    data = Path(make_clip("whole.avi", 60)).read_bytes()
    Path("cut.avi").write_bytes(data[: int(0.8 * len(data))])
    result = run("cut.avi", "--jsonl", "r.jsonl")
    assert result.exit_code == 1
    assert "cut.avi: ends after" in result.stderr
    *frames, last = lines()
    assert len(frames) > 20
    assert {record["status"] for record in frames} == {"ok"}
    assert (last["status"], last["frame"]) == ("unreadable", None)
    assert "truncated" in last["error"]
    with VideoReader("cut-emotions.avi") as reader:
        assert sum(1 for _ in reader) == len(frames)


def test_a_start_after_the_end_of_the_video():
    result = run(make_clip(), "--start", "9")
    assert result.exit_code == 1
    assert "no frame in the requested part" in result.stderr
    assert names() == ["clip.avi"]


def test_a_full_disk_costs_only_the_annotated_video(monkeypatch):
    monkeypatch.setattr(video_writer, "_LEAST_FREE_BYTES", 2**62)
    result = run(make_clip(), "--jsonl", "r.jsonl")
    assert result.exit_code == 1
    assert result.stderr == "error: clip-emotions.avi: cannot write the video: the disk is full\n"
    assert len(lines()) == 20
    assert names() == ["clip.avi", "r.jsonl"]


def test_passwords_are_not_in_the_results():
    address = "rtsp://user:word@127.0.0.1:1/x"
    result = run(address, "--json-file", "r.json")
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


def test_ctrl_c_completes_all_files(tmp_path: Path):
    write_clip(Path("long.avi"), [draw([Placed(80, 60)], (160, 120))] * 5000)
    command = [sys.executable, "-c", _RUN, str(tmp_path / "shipped.onnx"), "detect", "long.avi"]
    outputs = ["--jsonl", "r.jsonl", "--csv", "r.csv", "--json-file", "r.json"]
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


def test_plots():
    result = run(make_clip(), make_clip("b.avi", 1, 0), "--no-save", "--plot", "p.png")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-2:] == ["wrote p.png", "wrote p-2.png"]
    assert cv2.imread("p.png").std() > 20
    assert cv2.imread("p-2.png") is not None


@pytest.mark.real
def test_a_real_video(shared_data: Path, monkeypatch):
    monkeypatch.undo()
    video = shared_data / "photos" / "test.mp4"
    result = run(str(video), "--no-save", "--detect-every", "5", "--json")
    assert result.exit_code == 0
    (summary,) = json.loads(result.stdout)["videos"]
    assert summary["frames"] == 115
    longest = max(summary["tracks"], key=lambda track: track["seconds"])
    assert longest["emotion"] == "happy"
    assert longest["seconds"] > 3.5
