"""The tables of scripts/bench_scaling.py."""

import pytest
from _detect_cost import STAGES, ImageCost, ListCost
from _scaling_tables import (
    Assumptions,
    duration,
    limits,
    list_table,
    machines_table,
    outputs_table,
    size,
    stage_table,
    training_table,
)

SECONDS = (0.005, 0.02, 0.005, 0.01, 0.002, 0.001)
COST = ImageCost(
    dict(zip(STAGES, SECONDS, strict=True)),
    faces=2,
    pixels=500_000,
    read_bytes=100_000,
    record_bytes=1000,
    marked_bytes=200_000,
    crop_bytes=20_000,
)
ASSUMED = Assumptions(images=1_200_000, cores=10, price=0.5, bandwidth=50e6)


def rows(text: str) -> list[list[str]]:
    """Return the cells of a table below its head."""
    return [line.strip("| ").split(" | ") for line in text.splitlines()[2:]]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 ms"), (0.5, "500 ms"), (90, "90.0 s"), (7200, "2.0 h"), (864_000, "10.0 days")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (23e9, "23 GB")]
)
def test_sizes(count: float, text: str) -> None:
    assert size(count) == text


def test_the_slowest_part_limits_a_run() -> None:
    # A core makes 33 images/s; one process writes 1,000 records/s; the storage delivers 500.
    one, ten, hundred = rows(machines_table(COST, ASSUMED))
    assert [one[1], ten[1], hundred[1]] == ["10", "100", "1000"]
    assert [one[2], one[3], one[-1]] == ["333", "33.3 MB/s", "cores"]
    assert one[4] == one[5] == "60.0 min"
    assert [ten[5], ten[-1]] == [hundred[5], hundred[-1]] == ["40.0 min", "storage at 50 MB/s"]
    fast = Assumptions(1_200_000, 10, 0.5, 1e9)
    assert rows(machines_table(COST, fast))[2][-2:] == [
        "20.0 min",
        "the process that writes the records",
    ]
    assert "1,000 records/s, as many as 30 cores make" in limits(COST, ASSUMED)
    assert "storage of 50 MB/s feeds 15 cores" in limits(COST, ASSUMED)


def test_core_hours_price_and_storage() -> None:
    records, marked, crops = rows(outputs_table(COST, ASSUMED))
    assert records == ["records", "10", "5.00", "120 GB", "1.2 GB"]
    assert marked[1:] == ["13", "6.67", "120 GB", "241 GB"]
    assert crops[1:] == ["11", "5.33", "120 GB", "25.2 GB"]


def test_stages_lists_and_training() -> None:
    assert rows(stage_table(COST))[1] == ["detect", "20.00 ms", "20.0 s"]
    (row,) = rows(list_table({"listing": ListCost(120_000, 3.0, 30_000_000)}, ASSUMED))
    assert row == ["listing", "120,000", "3.0 s", "30 MB", "30.0 s", "300 MB"]
    (row,) = rows(training_table({"compact": (48, 100.0)}, ASSUMED))
    assert row == ["`compact`", "48", "100", "3.33", "20.0 min", "1.67", "2.76 GB"]
