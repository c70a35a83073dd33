"""The examples of the documentation, run as written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def run(*words: object) -> str:
    """Run a Python command; return its standard output."""
    done = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_the_shipped_model_is_fine_tuned_to_other_labels(tmp_path: Path):
    data, runs = tmp_path / "drawn", tmp_path / "runs"
    run(ROOT / "examples" / "drawn_faces.py", data)
    train = ("-m", "emorec", "train", "--arch", "compact", "--weights", "emorec", "--data", data)
    printed = run(*train, "--out", runs, "--json")
    folder = json.loads(printed)["run"]
    scores = json.loads(
        run("-m", "emorec", "evaluate", folder, "--data", data, "--split", "test", "--json")
    )
    assert scores["images"] == 150
    assert scores["accuracy"] > 0.95
    photo = ROOT / "examples" / "astronaut.jpg"
    found = json.loads(
        run("-m", "emorec", "detect", photo, "--model", folder, "--no-save", "--json")
    )
    (face,) = found["images"][0]["faces"]
    assert set(face["probabilities"]) == {"grin", "sulk", "wink"}
