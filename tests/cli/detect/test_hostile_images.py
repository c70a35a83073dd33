"""An image that crashes its decoder, or makes it hang, costs one record of a run."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.odd_media import CRASHES, apng, crashing_png, slow_jpeg

from emorec.interrupts import REPEAT_S

pytestmark = pytest.mark.slow

REASON = "not a readable animation (the decoder crashed)"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the hostile file amid 20 others, one of them an animation of two frames."""
    monkeypatch.chdir(tmp_path)
    made = tmp_path / "f"
    made.mkdir()
    for number in range(19):
        cv2.imwrite(str(made / f"{number:02}.png"), np.full((60, 60, 3), number, np.uint8))
    (made / "05-crash.png").write_bytes(crashing_png())
    (made / "06-animation.png").write_bytes(apng())
    return made


def emorec(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "emorec", *arguments]


def detect(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = emorec("detect", *arguments, "--no-save")
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def records(path: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in Path(path).read_text().splitlines()]


def hanging_decoders(parent: int) -> list[int]:
    """The children of a process that have computed for longer than a start and an image take."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == parent and int(fields[11]) > 1.5 * os.sysconf("SC_CLK_TCK"):
                found.append(int(stat.parent.name))
    return found


def are_gone(processes: list[int], seconds: float) -> bool:
    """Wait until none of the processes runs; a zombie, which waits for its parent, does not."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        states = []
        for process in processes:
            with contextlib.suppress(OSError):
                stat = Path(f"/proc/{process}/stat").read_text()
                states.append(stat.rpartition(")")[2].split()[0])
        if set(states) <= {"Z"}:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("workers", [(), ("--workers", "2")])
def test_a_crash_costs_one_record(folder: Path, workers: tuple[str, ...]):
    done = detect("f", "--jsonl", "a.jsonl", *workers)
    found = records("a.jsonl")
    # 19 images, the hostile file, and the two frames of the animation.
    assert len(found) == 22
    unreadable = [record for record in found if record["status"] == "unreadable"]
    if CRASHES:
        assert done.returncode == 1
        assert done.stderr.splitlines()[-1] == f"error: f/05-crash.png: {REASON}"
        assert [record["source"] for record in unreadable] == ["f/05-crash.png"]
        assert REASON in str(unreadable[0]["error"])


def test_a_run_resumes_after_a_crash(folder: Path):
    detect("f", "--jsonl", "whole.jsonl")
    whole = records("whole.jsonl")
    lines = Path("whole.jsonl").read_text().splitlines(keepends=True)
    # Without the record of the hostile file, with it at the end, where it is made again, and after.
    for kept in (4, 6, 7):
        Path("a.jsonl").write_text("".join(lines[:kept]))
        done = detect("f", "--jsonl", "a.jsonl", "--resume")
        assert records("a.jsonl") == whole
        assert (REASON in done.stderr) == (CRASHES and kept < 7)


@pytest.fixture
def hanging(folder: Path, request: pytest.FixtureRequest):
    """A run on images of which one makes its decoder hang, and the decoder process."""
    (folder / "07-slow.jpg").write_bytes(slow_jpeg())
    command = emorec("detect", *request.param, "--no-save", "--jsonl", "a.jsonl")
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    end = time.monotonic() + 60
    while not (decoders := hanging_decoders(program.pid)):
        assert time.monotonic() < end
        time.sleep(0.05)
    yield program, decoders
    program.kill()
    program.wait()


@pytest.mark.parametrize("hanging", [["f"], ["f/07-slow.jpg"]], indirect=True)
def test_ctrl_c_does_not_wait_for_a_decoder_that_hangs(hanging):
    program, decoders = hanging
    start = time.monotonic()
    # The second one ends a run that is amid a single image. A busy process receives it late, and
    # two within REPEAT_S count as one: hence some more.
    while program.poll() is None and time.monotonic() - start < 15:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(program.pid, signal.SIGINT)
        time.sleep(2 * REPEAT_S)
    _, errors = program.communicate(timeout=60)
    assert time.monotonic() - start < 15  # a file may take 20 s
    assert (program.returncode, errors.splitlines()[-1]) == (130, "interrupted")
    assert are_gone(decoders, 20)
    assert len(records("a.jsonl")) < 22


@pytest.mark.parametrize("hanging", [["f"]], indirect=True)
def test_a_decoder_that_hangs_ends_with_its_killed_parent(hanging):
    program, decoders = hanging
    program.kill()
    program.wait()
    assert are_gone(decoders, 20)
