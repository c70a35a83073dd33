"""Injected faults: kill -9 at a random moment, and a full disk."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.everything import settings
from helpers.signalled_runs import QUICK_PROGRAM, TESTS

from emorec.training.runner import train

EPOCHS = 6

NEW_NAMESPACE = ["unshare", "--map-root-user", "--mount"]

FULL_DISK = """
import subprocess, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from helpers.everything import quick_compact, settings
quick = quick_compact()  # the reference keeps the context open
quick.__enter__()
from emorec.errors import DataError
from emorec.training.runner import resume, train

data, disk = Path(sys.argv[2]), Path(sys.argv[3])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", disk], check=True)
filler = disk / "filler"

def fill(progress):
    if (progress.epoch, progress.batch) == (2, 3):
        try:
            filler.write_bytes(bytes(2**25))
        except OSError:
            pass

try:
    train(settings(), data, disk / "runs", progress=fill)
except DataError as error:
    print(error)
(run,) = (disk / "runs").iterdir()
rows = (run / "history.csv").read_text().splitlines()
assert len(rows) == 1 + 1, rows
assert [path.name for path in (run / "checkpoints").iterdir()] == ["last.npz"]
filler.unlink()
resume(run)
sys.stdout.write((run / "history.csv").read_text())
"""


pytestmark = pytest.mark.usefixtures("quick_network")


def emorec_train(*words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *QUICK_PROGRAM, "train", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kill_and_resume(config: Path, data: Path, runs: Path, chance: random.Random) -> str:
    """Kill a run in a random epoch or while it writes its files; return its final history."""
    process = emorec_train("--config", config, "--data", data, "--out", runs)
    assert process.stderr is not None
    while not list(runs.glob("*/config.yaml")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    start, epochs = time.monotonic(), chance.randint(0, EPOCHS)
    ended = 0
    while ended < epochs:
        line = process.stderr.readline()
        assert line, "the run ended by itself"
        ended += line.startswith("epoch ")
    # An epoch takes about as long as those before, the first one with the start a few seconds.
    time.sleep(chance.uniform(0, (time.monotonic() - start) / epochs if epochs else 5))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    (run,) = runs.iterdir()
    path = run / "history.csv"
    rows = path.read_text().splitlines() if path.exists() else []
    print(f"killed after {epochs} of {EPOCHS} epochs, {max(len(rows) - 1, 0)} in the history")
    process = emorec_train("--resume", run)
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert (run / "model.onnx").is_file()
    assert not list(run.rglob(".partial*"))
    return path.read_text()


@pytest.mark.parametrize(
    "kills", [pytest.param(1, marks=pytest.mark.slow), pytest.param(10, marks=pytest.mark.long)]
)
def test_a_run_killed_at_a_random_moment_has_the_history_of_an_uninterrupted_one(
    tiny_data: Path, tmp_path: Path, kills: int
) -> None:
    config = settings(epochs=EPOCHS)
    path = tmp_path / "config.yaml"
    path.write_text(config.to_yaml())
    whole = train(config, tiny_data, tmp_path / "whole").folder
    expected = (whole / "history.csv").read_text()
    seed = random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for number in range(kills):
        history = kill_and_resume(path, tiny_data, tmp_path / f"runs{number}", chance)
        assert history == expected
        print(f"run {number + 1}: equal, {len(expected.splitlines()) - 1} epochs", flush=True)


def can_mount() -> bool:
    command = [*NEW_NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(not can_mount(), reason="no file systems can be mounted here")
def test_a_run_on_a_full_disk_fails_in_one_line_and_is_resumed_with_free_space(
    tiny_data: Path, tmp_path: Path
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    command = [*NEW_NAMESPACE, sys.executable, "-c", FULL_DISK, TESTS, tiny_data, disk]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    message, *history = done.stdout.splitlines()
    assert "last.npz: cannot write: No space left on device" in message
    assert "fix this, then run: emorec train --resume" in message
    whole = train(settings(), tiny_data, tmp_path / "whole").folder
    assert history == (whole / "history.csv").read_text().splitlines()
