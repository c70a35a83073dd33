"""Reads the curves that a run wrote for TensorBoard."""

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util.tensor_util import make_ndarray


def curves(folder: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by tag, of a folder with one event file."""
    (events,) = folder.iterdir()
    read = EventAccumulator(str(events)).Reload()
    return {
        tag: [(point.step, float(make_ndarray(point.tensor_proto))) for point in read.Tensors(tag)]
        for tag in read.Tags()["tensors"]
    }
