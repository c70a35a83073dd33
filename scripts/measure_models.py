"""Measures the accuracy of the shipped emotion models, for `emorec models list`.

It evaluates every ONNX emotion model in emorec/models on PublicTest of FER+, as `emorec evaluate
NAME --data DATA` does: majority labels, the model's own default prior, one pass. It writes
emorec/models/accuracy.json; with --check it only compares.

Example: python scripts/measure_models.py FER-2013
"""

import argparse
import json
import sys
from pathlib import Path

from emorec.atomic_files import write_json
from emorec.datasets.manifest import read_prepared
from emorec.evaluation.evaluate import evaluate
from emorec.models.accuracy import accuracy_path
from emorec.models.registry import EMOTIONS, shipped

_DIGITS = 4


def measure(data: Path) -> dict[str, object]:
    """Evaluate the shipped models on the validation split of a prepared data set.

    Returns:
        The content of accuracy.json.
    """
    files = [file for file in shipped() if file.kind == EMOTIONS]
    found = evaluate([file.path for file in files], read_prepared(data), "validation")
    models = {
        file.name: {
            "version": each.metadata.version,
            "sha256": file.sha256,
            "accuracy": round(each.scores.accuracy, _DIGITS),
            "balanced_accuracy": round(each.scores.balanced_accuracy, _DIGITS),
            "images": len(each.examples.paths),
        }
        for file, each in zip(files, found, strict=True)
    }
    return {
        "data": "PublicTest of FER+, majority labels; each model's default prior, one pass",
        "command": "python scripts/measure_models.py FER-2013",
        "models": models,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="FERPlus, prepared by emorec prepare-data")
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    arguments = parser.parse_args()
    found = measure(arguments.data)
    print(json.dumps(found["models"], indent=2))
    path = accuracy_path()
    if not arguments.check:
        write_json(path, found)
        print(f"wrote {path}")
    elif json.loads(path.read_text("utf-8")) != found:
        sys.exit(f"{path} has other figures; run the script without --check")


if __name__ == "__main__":
    main()
