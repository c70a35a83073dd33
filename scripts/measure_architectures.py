"""Measures the architectures for `emorec architectures` and for the setting of oneDNN.

It builds every network, counts its parameters and multiply-adds, and writes
emorec/modeling/architectures.json; with --check it only compares. The speedups of oneDNN in the
file are kept, unless --onednn measures them again: training steps of emorec in float32 (its fast
layers on random images, with the sizes and the batches of the configurations), without and with
oneDNN in turn. oneDNN is limited to AVX2 meanwhile, so a processor with AVX-512 measures as one
without it does. The speedup is that of the processor time, which other work on the machine changes
less; the speedup of the elapsed time is printed beside it.

Examples: python scripts/measure_architectures.py
          python scripts/measure_architectures.py --onednn --names compact vgg16 --runs 5
"""

import argparse
import dataclasses
import json
import os
import statistics
import sys
from typing import Any

from _training_process import LIMIT, TrainingProcess, Work, alternate

from emorec.atomic_files import write_json
from emorec.modeling.architecture_summary import (
    SUMMARIES_PATH,
    architecture_summaries,
    architecture_summary,
)
from emorec.training.config import load_config

_MULTIPLY_ADDS_PER_RUN = 5e10
_MAX_STEPS = 10
_DIGITS = 2


def measure() -> dict[str, Any]:
    """Build all networks.

    Returns:
        The content of architectures.json, with the speedups of oneDNN of the present file.
    """
    from emorec.cli.keras_backend import load_keras

    load_keras()
    from emorec.modeling.architectures import ARCHITECTURES
    from emorec.modeling.complexity import complexity

    known = architecture_summaries() if SUMMARIES_PATH.exists() else {}
    found = [
        dataclasses.replace(complexity(each), onednn_speedup=known[name].onednn_speedup)
        if name in known
        else complexity(each)
        for name, each in ARCHITECTURES.items()
    ]
    return {
        "command": "python scripts/measure_architectures.py",
        "onednn_speedup": "python scripts/measure_architectures.py --onednn",
        "architectures": [dataclasses.asdict(each) for each in found],
    }


def onednn_speedup(name: str, runs: int) -> float:
    """Measure how many times as fast an architecture trains with oneDNN, and print the rates."""
    summary = architecture_summary(name)
    config = load_config(None, {"arch": name, "weights": "none"})
    step = summary.multiply_adds * config.batch_size
    steps = max(1, min(_MAX_STEPS, round(_MULTIPLY_ADDS_PER_RUN / step)))
    size = config.image_size or summary.default_size
    work = Work(name, size, steps * config.batch_size)
    with TrainingProcess(work, False) as off, TrainingProcess(work, True) as on:
        without, with_onednn = alternate(runs, [("ceiling", off), ("ceiling", on)])
    elapsed, processor = (
        statistics.median(pair[kind] for pair in without)
        / statistics.median(pair[kind] for pair in with_onednn)
        for kind in (0, 1)
    )
    rates = ", ".join(
        f"{label} " + " ".join(f"{work.images / seconds:.1f}" for seconds, _ in times)
        for label, times in (("off", without), ("on", with_onednn))
    )
    print(
        f"{name} at {size}, batches of {config.batch_size}: speedup of the processor time "
        f"{processor:.2f}, of the elapsed time {elapsed:.2f}; images/s {rates}; load "
        f"{os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return round(processor, _DIGITS)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="compare, and write nothing")
    parser.add_argument("--onednn", action="store_true", help="measure the speedups again")
    parser.add_argument("--names", nargs="+", help="architectures to measure with --onednn")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each setting")
    arguments = parser.parse_args()
    found = measure()
    if arguments.check:
        if json.loads(SUMMARIES_PATH.read_text("utf-8")) != found:
            sys.exit(f"{SUMMARIES_PATH} differs; run the script without --check")
        return
    write_json(SUMMARIES_PATH, found)
    print(f"wrote {SUMMARIES_PATH}", flush=True)
    if arguments.onednn:
        architecture_summaries.cache_clear()  # a new network is in the file now
        os.environ[LIMIT] = "AVX2"
        for row in found["architectures"]:
            if row["name"] in (arguments.names or architecture_summaries()):
                row["onednn_speedup"] = onednn_speedup(row["name"], arguments.runs)
                write_json(SUMMARIES_PATH, found)


if __name__ == "__main__":
    main()
