"""Measures what large collections take, and prints the tables of docs/scaling.md.

It compares the ways of `emorec detect` to use the cores of this machine, as whole processes in
turn, and checks that they write equal files. Then it measures the core time of an image by stage,
the steps that depend on the number of images, and the training of two networks, and extends them
to many images. The price, the bandwidth and the machines are assumptions, not measurements.

Examples:
  python scripts/bench_scaling.py PHOTOS
  python scripts/bench_scaling.py PHOTOS --only cost --count 200 --files 20000 --lines 20000
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from _detect_cost import list_costs, make_photos, measure_image
from _scaling_tables import (
    Assumptions,
    limits,
    list_table,
    machines_table,
    outputs_table,
    size,
    stage_table,
    table,
    training_table,
)

from emorec.threads import available_cores

DETECT = [sys.executable, "-m", "emorec", "detect", "photos", "--no-save"]
NETWORKS = {"compact": (48, 2048), "vgg16": (96, 192)}
"""Side of the input of the networks that are trained, and images of their epoch."""


def finish(command: Sequence[str], folder: str) -> tuple[float, int]:
    """Run a command to its end.

    Returns:
        Its seconds, and the largest memory of one of its processes in bytes.
    """
    start = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {process.returncode}")
    return time.perf_counter() - start, usage.ru_maxrss * 1024


def ways(arguments: argparse.Namespace, photos: Path) -> None:
    """Compare threads, processes and Ray, on all photos and on a single one."""
    options = {
        "threads of one process": [],
        f"`--workers {arguments.workers}`": ["--workers", str(arguments.workers)],
        f"`--ray --workers {arguments.workers}`": ["--ray", "--workers", str(arguments.workers)],
    }
    folder = str(photos.parent)
    first = str(next(photos.rglob("*.jpg")).relative_to(photos.parent))
    times: dict[str, list[tuple[float, float, int]]] = {name: [] for name in options}
    files = {name: f"{number}.jsonl" for number, name in enumerate(options)}
    for _ in range(arguments.runs):
        for name, words in options.items():
            one = [word if word != "photos" else first for word in DETECT]
            start_s, _ = finish([*one, "--jsonl", "one.jsonl", *words], folder)
            seconds, memory = finish([*DETECT, "--jsonl", files[name], *words], folder)
            times[name].append((start_s, seconds, memory))
    base = rate_of(times["threads of one process"], arguments.count)
    expected = Path(folder, files["threads of one process"]).read_bytes()
    rows = []
    for name, runs in times.items():
        rate = rate_of(runs, arguments.count)
        start_s = statistics.median(run[0] for run in runs)
        steady = (arguments.count - 1) / (statistics.median(run[1] for run in runs) - start_s)
        equal = Path(folder, files[name]).read_bytes() == expected
        largest = "" if "ray" in name else size(max(run[2] for run in runs))
        cells = [f"{rate:.1f}", f"{rate / base:.2f}", f"{start_s:.1f} s", f"{steady:.1f}", largest]
        rows.append([name, *cells, "yes" if equal else "NO"])
    print(f"{arguments.count} images, {arguments.runs} runs of each in turn, medians:\n")
    head = ["processed by", "images/s", "ratio", "one image", "images/s after the start"]
    print(table([*head, "largest process", "equal file"], rows))


def rate_of(runs: Sequence[tuple[float, float, int]], count: int) -> float:
    """Return images per second, from the median time of whole processes."""
    return count / statistics.median(run[1] for run in runs)


def cost(arguments: argparse.Namespace, photos: Path) -> None:
    """Print the core time of an image, and what many images take."""
    assumed = assumptions(arguments)
    image = measure_image(photos, min(arguments.count, 400), arguments.runs)
    print(
        f"An image has {image.pixels / 1e6:.2f} megapixels, {size(image.read_bytes)} and "
        f"{image.faces:.1f} faces on average.\n"
    )
    print(stage_table(image))
    print(f"{assumed.images:,} images, records only:\n")
    print(machines_table(image, assumed))
    print(limits(image, assumed))
    print(f"{assumed.images:,} images:\n")
    print(outputs_table(image, assumed))
    print(list_table(list_costs(arguments.files, arguments.lines), assumed))


def training(arguments: argparse.Namespace, _: Path) -> None:
    """Print the epoch of many images, from the pipeline that scripts/bench_train.py measures."""
    from _training_process import TrainingProcess, Work, alternate

    from emorec.training.onednn import chosen_onednn
    from emorec.training.processor import processor_flags

    rates = {}
    for name, (side, count) in NETWORKS.items():
        work = Work(name, side, count)
        with TrainingProcess(work, chosen_onednn(name, processor_flags())) as process:
            (times,) = alternate(arguments.runs, [("emorec", process)])
        core_seconds = statistics.median(processor for _, processor in times)
        rates[name] = (side, count / core_seconds)
    assumed = assumptions(arguments)
    print(f"Training on {assumed.images:,} images:\n")
    print(training_table(rates, assumed))


def assumptions(arguments: argparse.Namespace) -> Assumptions:
    """Return the assumptions of the tables."""
    return Assumptions(
        arguments.images, arguments.cores, arguments.price, arguments.bandwidth * 1e6
    )


PARTS: dict[str, Callable[[argparse.Namespace, Path], None]] = {
    "ways": ways,
    "cost": cost,
    "training": training,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "photos", type=Path, help="folder of JPEG files, from which others are made"
    )
    parser.add_argument("--only", action="append", choices=list(PARTS), help="one of the parts")
    parser.add_argument("--count", type=int, default=2000, help="images in the folder")
    parser.add_argument("--runs", type=int, default=3, help="runs of each measurement")
    parser.add_argument("--workers", type=int, default=available_cores())
    parser.add_argument("--files", type=int, default=200_000, help="files that are listed")
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines that are resumed from")
    parser.add_argument("--images", type=int, default=10_000_000, help="images of the tables")
    parser.add_argument("--cores", type=int, default=16, help="cores of a machine of the tables")
    parser.add_argument("--price", type=float, default=0.05, help="price per core-hour")
    parser.add_argument("--bandwidth", type=float, default=1000, help="of the storage, in MB/s")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder, "photos")
        make_photos(arguments.photos, photos, arguments.count)
        for part in arguments.only or PARTS:
            PARTS[part](arguments, photos)


if __name__ == "__main__":
    main()
