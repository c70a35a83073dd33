import gzip
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emorec.labels import EMOTIONS_8
from emorec.training.teacher_probabilities import read_teacher_probabilities

TEACHERS = Path(__file__).resolve().parents[2] / "scripts" / "teachers"


def write(*words: object) -> subprocess.CompletedProcess[str]:
    script = TEACHERS / "write_probabilities.py"
    return subprocess.run(
        [sys.executable, str(script), *map(str, words)], capture_output=True, text=True, timeout=120
    )


def arrays(**changes: Any) -> dict[str, Any]:
    found = {
        "names": np.array(["b.png", "a.png"]),
        "plain": np.full((2, 8), 0.125, np.float16),
        "mean": np.eye(8, dtype=np.float16)[:2],
        # Another order than that of the result.
        "labels": np.array(EMOTIONS_8[::-1]),
    }
    return {**found, **changes}


def test_the_csv_file_holds_the_mean_and_is_reproducible(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", **arrays())
    for name in ("1.csv.gz", "2.csv.gz", "3.csv"):
        done = write(tmp_path / "a.npz", tmp_path / name)
        assert done.stdout.startswith(f"{tmp_path / name}: 2 images"), done.stderr
    assert (tmp_path / "1.csv.gz").read_bytes() == (tmp_path / "2.csv.gz").read_bytes()
    text = gzip.decompress((tmp_path / "1.csv.gz").read_bytes()).decode()
    assert text == (tmp_path / "3.csv").read_text()
    assert text.splitlines() == [
        "image,angry,disgust,fear,happy,neutral,sad,surprise,contempt",
        "b.png,0.0625,0.0625,0.0625,0.0625,0.0625,0.0625,0.0625,0.5625",
        "a.png,0.0625,0.0625,0.0625,0.0625,0.0625,0.0625,0.5625,0.0625",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": np.array(["x"] * 8)}, "must have shape (2, 8), for the labels angry"),
        ({"plain": np.zeros((3, 8))}, "received (3, 8) and (2, 8)"),
        ({"plain": np.zeros((2, 8))}, "not of probabilities with sum 1"),
        ({"mean": np.full((2, 8), np.nan)}, "not of probabilities with sum 1"),
    ],
)
def test_a_wrong_file_is_one_line(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    np.savez(tmp_path / "a.npz", **arrays(**changes))
    done = write(tmp_path / "a.npz", tmp_path / "out.csv")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith(f"error: {tmp_path / 'a.npz'}: ")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()


def test_the_shipped_probabilities_are_of_all_training_images() -> None:
    path = TEACHERS / "teacher_probabilities.csv.gz"
    images = [Path("fer0000000.png"), Path("fer0028637.png"), Path("fer0028638.png")]
    probabilities, known = read_teacher_probabilities(path, images, EMOTIONS_8)
    # The third is the first image of PublicTest.
    assert known.tolist() == [True, True, False]
    assert EMOTIONS_8[probabilities[0].argmax()] == "neutral"
    assert gzip.decompress(path.read_bytes()).count(b"\n") == 28_557
