"""Damaged images of every format, many of which crash OpenCV: a batch yields a record for each."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from helpers.odd_media import CRASHES

TESTS = Path(__file__).parents[1]


def run(folder: Path, animations: int, others: int, seconds: int) -> Counter[str]:
    """Process damaged files and count the reasons for which animations are unreadable."""
    command = [sys.executable, "-m", "helpers.damaged_batch", str(folder)]
    done = subprocess.run(
        [*command, str(animations), str(others)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(TESTS), *sys.path])},
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    assert done.returncode == 0, (done.returncode, done.stdout[-500:], done.stderr[-3000:])
    records = [json.loads(line) for line in done.stdout.splitlines()]
    # An animation has a record per frame; all sources are there, in order.
    names = list(dict.fromkeys(name for name, _, _ in records))
    assert names == sorted(path.name for path in folder.iterdir())
    assert len(names) == animations + others
    reasons: Counter[str] = Counter()
    for name, status, problem in records:
        assert status in ("ok", "no_face", "unreadable")
        assert (status == "unreadable") <= bool(problem)
        assert "\n" not in problem
        if "animation" in name:
            reasons[problem.rpartition(": ")[2]] += 1
    return reasons


def check(reasons: Counter[str], animations: int) -> None:
    crashed = sum(count for reason, count in reasons.items() if "the decoder crashed" in reason)
    assert crashed > animations / 20 or not CRASHES
    assert reasons[""] > animations / 20, "some are read in spite of the damage"


@pytest.mark.slow
def test_damaged_images(tmp_path: Path):
    check(run(tmp_path, 600, 600, seconds=800), 600)


@pytest.mark.long
@pytest.mark.timeout(6000)
def test_many_more_damaged_images(tmp_path: Path):
    check(run(tmp_path, 3_000, 3_000, seconds=5_000), 3_000)
