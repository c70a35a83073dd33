"""Thousands of damaged images: no crash, no hang, the right status for each."""

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from helpers.fuzzed_images import ENVIRONMENT

CHILD = Path(__file__).parents[1] / "helpers" / "fuzzed_images.py"

KINDS = 11
"""Number of undamaged files, which come first."""


def run(folder: Path, first: int, count: int, seconds: int) -> list[list[str]]:
    """Run cases in a child process; a failure shows the last case and the command to repeat it."""
    command = [sys.executable, str(CHILD), str(folder), str(first), str(count)]
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        last = (error.stdout or b"").decode().splitlines()[-1:]
        pytest.fail(f"a hang, or slower than {seconds} s, in {last}; {' '.join(command)}")
    lines = done.stdout.splitlines()
    assert done.returncode == 0, (done.returncode, lines[-1:], done.stderr[-3000:], command)
    return [line.split() for line in lines]


def check(results: list[list[str]]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for case, name, statuses, size in results:
        counts[statuses] += 1
        readable = size not in ("-", "large")
        if name.endswith(".jpg") and size == "large":
            continue  # decoded at reduced size unless its data is damaged
        if name.endswith(".jpg") or not name.startswith(("moving", "still")):
            # A still image is readable if and only if OpenCV decodes it.
            assert (statuses == "unreadable") != readable, (case, name, statuses, size)
        else:
            assert not readable or statuses != "unreadable", (case, name, statuses, size)
    return counts


@pytest.mark.slow
def test_damaged_images(tmp_path: Path):
    results = run(tmp_path, 0, 2_200, seconds=300)
    assert len(results) == 2_200
    assert [statuses for _, _, statuses, _ in results[:KINDS]] == ["ok"] * KINDS
    counts = check(results)
    # Both outcomes are frequent: the damage is neither too weak nor too strong.
    assert min(counts["unreadable"], counts["ok"] + counts["no_face"]) > 300


@pytest.mark.long
def test_many_more_damaged_images(tmp_path: Path):
    for first in range(10_000, 110_000, 5_000):
        check(run(tmp_path, first, 5_000, seconds=900))
