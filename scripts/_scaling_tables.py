"""Extends what `emorec detect` and `emorec train` take to many images; prints Markdown tables."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from _detect_cost import STAGES, ImageCost, ListCost

MACHINES = (1, 10, 100)


@dataclass(frozen=True)
class Assumptions:
    """What the tables assume, and do not measure.

    Attributes:
        images: Number of images.
        cores: Cores of a machine.
        price: Price of a core for an hour, in any currency.
        bandwidth: Bytes per second that the storage and its network deliver to all machines.
    """

    images: int
    cores: int
    price: float
    bandwidth: float


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Format a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines) + "\n"


def duration(seconds: float) -> str:
    """Format seconds with the unit that suits them."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min"), (1, "s")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{1000 * seconds:.0f} ms"


def size(count: float) -> str:
    """Format bytes with the unit that suits them."""
    for factor, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if count >= factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count:.0f} B"


def stage_table(cost: ImageCost) -> str:
    """Print what an image takes, by stage."""
    written = {
        "annotated image": cost.marked_bytes,
        "crops": cost.crop_bytes,
        "collect and write": cost.record_bytes,
    }
    rows = []
    for stage in STAGES:
        read = size(cost.read_bytes) if stage == STAGES[0] else ""
        out = size(written[stage]) if stage in written else ""
        milliseconds = 1000 * cost.seconds[stage]
        rows.append([stage, f"{milliseconds:.2f} ms", f"{milliseconds:.1f} s", read, out])
    return table(["stage", "core time per image", "per 1,000 images", "read", "written"], rows)


def outputs_table(cost: ImageCost, assumed: Assumptions) -> str:
    """Print core-hours, wall time, money and storage of all images, by what is written."""
    rows = []
    for name, stages, written in (
        ("records", (), 0.0),
        ("records and annotated images", ("annotated image",), cost.marked_bytes),
        ("records and crops", ("crops",), cost.crop_bytes),
    ):
        seconds = cost.worker_seconds(*stages) * assumed.images
        hours = seconds / 3600
        rows.append(
            [
                name,
                f"{hours:.0f}",
                f"{hours * assumed.price:.2f}",
                size(cost.read_bytes * assumed.images),
                size((cost.record_bytes + written) * assumed.images),
            ]
        )
    return table(["written", "core-hours", f"price at {assumed.price:g}", "read", "written"], rows)


def machines_table(cost: ImageCost, assumed: Assumptions) -> str:
    """Print wall time and bottleneck of records only, by the number of machines."""
    writer_rate = 1 / cost.seconds["collect and write"]
    storage_rate = assumed.bandwidth / cost.read_bytes
    rows = []
    for machines in MACHINES:
        rates = {
            "cores": machines * assumed.cores / cost.worker_seconds(),
            "the process that writes the records": writer_rate,
            f"storage at {size(assumed.bandwidth)}/s": storage_rate,
        }
        limit = min(rates, key=rates.__getitem__)
        rows.append(
            [
                str(machines),
                str(machines * assumed.cores),
                f"{rates['cores']:,.0f}",
                f"{size(rates['cores'] * cost.read_bytes)}/s",
                duration(assumed.images / rates["cores"]),
                duration(assumed.images / rates[limit]),
                limit,
            ]
        )
    head = ["machines", "cores", "images/s of the cores", "they read", "time of the cores"]
    return table([*head, "time", "limited by"], rows)


def limits(cost: ImageCost, assumed: Assumptions) -> str:
    """Describe where something else than the cores limits a run."""
    collect, seconds = cost.seconds["collect and write"], cost.worker_seconds()
    return (
        f"One process writes {1 / collect:,.0f} records/s, as many as "
        f"{math.floor(seconds / collect)} cores make. A core reads "
        f"{size(cost.read_bytes / seconds)}/s: storage of {size(assumed.bandwidth)}/s feeds "
        f"{math.floor(assumed.bandwidth / cost.read_bytes * seconds)} cores.\n"
    )


def list_table(costs: Mapping[str, ListCost], assumed: Assumptions) -> str:
    """Print what the list of images takes, as measured and for all images."""
    rows = []
    for name, cost in costs.items():
        factor = assumed.images / cost.count
        rows.append(
            [
                name,
                f"{cost.count:,}",
                duration(cost.seconds),
                size(cost.peak_bytes),
                duration(cost.seconds * factor),
                size(cost.peak_bytes * factor),
            ]
        )
    head = ["step", "measured with", "core time", "memory"]
    return table([*head, f"time for {assumed.images:,}", "memory"], rows)


def training_table(rates: Mapping[str, tuple[int, float]], assumed: Assumptions) -> str:
    """Print the epoch of all images.

    Args:
        rates: Side of the input, and images per core second, by the network.
        assumed: The number of images, and the cores of a machine.
    """
    rows = []
    for name, (side, rate) in rates.items():
        seconds = assumed.images / rate
        rows.append(
            [
                f"`{name}`",
                str(side),
                f"{rate:.3g}",
                f"{seconds / 3600:.3g}",
                duration(seconds / assumed.cores),
                f"{seconds / 3600 * assumed.price:.2f}",
                size(assumed.images * side * side),
            ]
        )
    head = ["network", "size", "images/s per core", "core-hours of an epoch"]
    time = f"epoch on {assumed.cores} cores"
    return table([*head, time, f"price at {assumed.price:g}", "image cache"], rows)
