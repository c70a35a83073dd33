"""Compares ways to train on a small data set with labels of its own.

It makes small data sets of PublicTest, which the shipped models have not trained on (see
scripts/_small_sets.py), trains on images of one half, and measures on the other half:

    nothing   from random weights, with the recipe of the architecture
    frozen    from the shipped model, the head alone, with the recipe of the architecture
    default   from the shipped model, all layers, with the recipe of the architecture
    finetune  from the shipped model, with the recipe finetune

Each line of the results file is one run; those that it has already are not repeated, so an
interrupted comparison resumes. It needs the extra `train`. --quick makes tiny sets and trains one
epoch, to try the script.

Examples: python scripts/compare_finetuning.py FER-2013 finetuning.jsonl
          python scripts/compare_finetuning.py FER-2013 sizes.jsonl --methods finetune \\
              --images 50 200 1000
          python scripts/compare_finetuning.py FER-2013 /tmp/trial.jsonl --quick --seeds 1
"""

import argparse
import json
import logging
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

# Before TensorFlow is imported.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
from _small_sets import SMALL_SETS, write_small_set

import emorec
from emorec.atomic_files import write_bytes
from emorec.datasets.manifest import PreparedDataset, read_prepared
from emorec.training.config import TrainConfig

SEEDS = 2
QUICK: dict[str, Any] = {"epochs": 1, "image_size": 24, "batch_size": 32}
QUICK_IMAGES, QUICK_UNSEEN = 120, 60

METHODS: dict[str, dict[str, Any]] = {
    "nothing": {"weights": "none"},
    "frozen": {"weights": "emorec", "trainable_layers": 0},
    "default": {"weights": "emorec"},
    "finetune": {"weights": "emorec"},
}

Result = dict[str, Any]

COLUMNS = ("accuracy", "balanced_accuracy", "calibration_error", "seconds")


def settings_of(method: str, arch: str, seed: int, quick: bool) -> TrainConfig:
    """Return the settings of a run."""
    recipe = method if method == "finetune" else arch
    changes = {**METHODS[method], **(QUICK if quick else {})}
    return emorec.load_train_config(recipe, arch=arch, seed=seed, **changes)


def measure(
    data: PreparedDataset,
    name: str,
    method: str,
    arch: str,
    seed: int,
    quick: bool,
    images: int | None = None,
) -> Result:
    """Make a small data set, train on it, and measure the model on the unseen half.

    Args:
        data: A prepared FERPlus.
        name: Name of the small data set.
        method: A key of `METHODS`.
        arch: The architecture.
        seed: Seed of the drawn images and of the training.
        quick: Train one epoch on tiny sets.
        images: Number of training images; None takes that of the set.
    """
    unseen = QUICK_UNSEEN if quick else None
    images = images or (QUICK_IMAGES if quick else None)
    with tempfile.TemporaryDirectory() as folder:
        tree, runs = Path(folder) / name, Path(folder) / "runs"
        counts = write_small_set(SMALL_SETS[name], data, tree, seed, images=images, unseen=unseen)
        config = settings_of(method, arch, seed, quick)
        start = time.monotonic()
        run = emorec.train(config, data=tree, out=runs)
        seconds = time.monotonic() - start
        found = emorec.evaluate(run.folder, tree, split="test")
    return {
        "accuracy": found.scores.accuracy,
        "balanced_accuracy": found.scores.balanced_accuracy,
        "calibration_error": found.scores.calibration_error,
        "seconds": seconds,
        "best_epoch": run.best_epoch,
        "temperature": found.metadata.temperature,
        "train_images": counts[0],
        "test_images": counts[1],
    }


def read_results(path: Path) -> list[Result]:
    """Read the runs of a results file; none if it is missing."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def runs_of(
    sets: Sequence[str],
    methods: Sequence[str],
    seeds: int,
    arch: str,
    quick: bool,
    images: Sequence[int | None] = (None,),
) -> Iterator[Result]:
    """List what identifies each run, seed by seed."""
    for seed in range(seeds):
        for name in sets:
            for count in images:
                for method in methods:
                    key = {"set": name, "method": method, "seed": seed, "arch": arch}
                    yield {**key, "quick": quick, "images": count}


def table(results: Sequence[Result]) -> list[str]:
    """Format the means over the seeds, and at the end the means over the sets."""
    head = ("set", "images", "method", "runs", "accuracy", "balanced", "calibration", "seconds")
    lines = [f"{head[0]:10}{head[1]:>7}  {head[2]:10}{''.join(f'{text:>12}' for text in head[3:])}"]
    names = list(dict.fromkeys((result["set"], result["images"]) for result in results))
    methods = list(dict.fromkeys(result["method"] for result in results))
    means: dict[str, list[list[float]]] = {method: [] for method in methods}
    for name, images in names:
        for method in methods:
            wanted = {"set": name, "images": images, "method": method}
            found = [result for result in results if wanted.items() <= result.items()]
            if not found:
                continue
            values = [float(np.mean([r[column] for r in found])) for column in COLUMNS]
            means[method].append(values)
            lines.append(_row(name, found[0]["train_images"], method, len(found), values))
    for method, rows in means.items():
        lines.append(_row("mean", "", method, len(rows), np.mean(rows, axis=0).tolist()))
    return lines


def _row(name: str, images: object, method: str, runs: int, values: Sequence[float]) -> str:
    *shares, seconds = values
    figures = "".join(f"{share:12.4f}" for share in shares)
    return f"{name:10}{images:>7}  {method:10}{runs:12}{figures}{seconds:12.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path, help="FERPlus, prepared by emorec prepare-data")
    parser.add_argument("results", type=Path, help="file of results, .jsonl; runs in it are kept")
    parser.add_argument("--arch", default="compact", choices=["compact", "nano"])
    parser.add_argument("--sets", nargs="+", default=list(SMALL_SETS), choices=list(SMALL_SETS))
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument(
        "--images",
        nargs="+",
        type=int,
        default=[None],
        help="training images, instead of the set's",
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"runs of each ({SEEDS})")
    parser.add_argument("--quick", action="store_true", help="tiny sets and one epoch, as a trial")
    options = parser.parse_args()
    # Each run is another model, which TensorFlow warns of.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    data = read_prepared(options.data)
    wanted = list(
        runs_of(
            options.sets,
            options.methods,
            options.seeds,
            options.arch,
            options.quick,
            options.images,
        )
    )
    results = read_results(options.results)
    for key in wanted:
        if any(key.items() <= result.items() for result in results):
            continue
        found = {
            **key,
            **measure(
                data, *(key[n] for n in ("set", "method", "arch", "seed", "quick", "images"))
            ),
        }
        results.append(found)
        text = "".join(json.dumps(result) + "\n" for result in results)
        write_bytes(options.results, text.encode())
        print(
            f"{found['set']} {found['method']} seed {found['seed']}: accuracy "
            f"{found['accuracy']:.4f}, {found['seconds']:.0f} s",
            flush=True,
        )
    chosen = [result for key in wanted for result in results if key.items() <= result.items()]
    print("\n".join(table(chosen)))


if __name__ == "__main__":
    main()
