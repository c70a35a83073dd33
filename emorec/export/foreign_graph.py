"""Finds out what the input and the output of a foreign ONNX classifier are, by stated shapes."""

import math
from dataclasses import dataclass

from emorec.errors import ModelError
from emorec.models.onnx_graph import Declared, Graph

LAYOUTS = ("nhwc", "nchw")
COLORS = ("gray", "rgb", "bgr")

_CHANNELS = {"gray": (1, 3), "rgb": (3,), "bgr": (3,)}
"""Channels that the input may have by the colour; a grey image can be repeated in three."""

_AXES = {"nhwc": (1, 2, 3), "nchw": (2, 3, 1)}
"""Axes of height, width and channels."""


@dataclass(frozen=True)
class InputForm:
    """The input of a foreign model.

    Attributes:
        name: Name of the tensor.
        size: Side of the square image in pixels.
        channels: 1 or 3.
        layout: One of `LAYOUTS`.
        color: One of `COLORS`: what the channels hold.
        fixed_batch: Whether the file states a batch of 1.
    """

    name: str
    size: int
    channels: int
    layout: str
    color: str
    fixed_batch: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor for one image."""
        if self.layout == "nhwc":
            return (1, self.size, self.size, self.channels)
        return (1, self.channels, self.size, self.size)


def input_form(
    graph: Graph, size: int | None, color: str | None, layout: str | None, source: str
) -> InputForm:
    """Find out the form of a model's input.

    What the file states counts; the options state what it leaves open, and must not contradict it.

    Args:
        graph: The graph of the model.
        size: Side of the image, or None.
        color: One of `COLORS`, or None, which is enough for an input of one channel.
        layout: One of `LAYOUTS`, or None.
        source: Name of the file, for messages.

    Raises:
        ModelError: The model has several inputs or one that is no square image of one or three
            channels, an option contradicts it, or one is missing.
    """
    if len(graph.inputs) != 1:
        raise ModelError(
            f"{source}: the model must have one input, an image; it has {len(graph.inputs)}: "
            f"{', '.join(sorted(graph.inputs)) or 'none'}"
        )
    ((name, declared),) = graph.inputs.items()
    if declared is not None and len(declared) != 4:
        raise ModelError(
            f"{source}: the input {name!r} must have four dimensions, a batch of images; it has "
            f"the shape {_text(declared)}"
        )
    dimensions = declared or [None] * 4
    if dimensions[0] not in (None, 1):
        raise ModelError(
            f"{source}: the batch of the input {name!r} is fixed at {dimensions[0]}; export the "
            "model with a free batch, or a batch of 1"
        )
    forms = [
        (each, *_square(dimensions, each, size, color))
        for each in LAYOUTS
        if layout in (None, each) and _fits(dimensions, each, size, color)
    ]
    if not forms:
        raise ModelError(
            f"{source}: the input {name!r} has the shape {_text(dimensions)}, which is no square "
            f"image with {_wanted(size, color, layout)}; correct --size, --color or --input-layout"
        )
    if len(forms) > 1:
        raise ModelError(
            f"{source}: the input {name!r} has the shape {_text(dimensions)}; state "
            "with --input-layout whether that is nhwc or nchw"
        )
    ((found_layout, found_size, channels),) = forms
    if found_size is None:
        raise ModelError(f"{source}: the model does not state its input size; state it with --size")
    if channels is None or (channels == 3 and color is None):
        raise ModelError(
            f"{source}: the model does not state the colour of its input; state with --color "
            "whether it is gray, rgb or bgr"
        )
    fixed_batch = dimensions[0] == 1
    return InputForm(name, found_size, channels, found_layout, color or "gray", fixed_batch)


def find_output(graph: Graph, classes: int, named: str | None, source: str) -> str:
    """Find the output that holds one value for each label.

    Args:
        graph: The graph of the model.
        classes: Number of labels.
        named: Its name from the user; None for the only one that fits.
        source: Name of the file, for messages.

    Raises:
        ModelError: No output fits, several do, or the named one does not exist.
    """
    widths = {name: _width(declared) for name, declared in graph.outputs.items()}
    if named is not None and named not in widths:
        raise ModelError(f"{source}: the model has no output {named!r}; it has {_outputs(widths)}")
    fitting = [name for name, width in widths.items() if width in (None, classes)]
    exact = [name for name in fitting if widths[name] == classes]
    found = [named] if named is not None else exact if len(exact) == 1 else fitting
    if len(found) != 1 or found[0] not in fitting:
        many = (
            "write which with --output-name" if found and named is None else "correct --label-names"
        )
        raise ModelError(
            f"{source}: {classes} labels need one output of {classes} values for each image; the "
            f"model has {_outputs(widths)}; {many}"
        )
    return found[0]


def _fits(dimensions: list[int | None], layout: str, size: int | None, color: str | None) -> bool:
    height, width, channels = (dimensions[axis] for axis in _AXES[layout])
    sides = {side for side in (height, width, size) if side is not None}
    allowed = (1, 3) if color is None else _CHANNELS[color]
    return len(sides) <= 1 and (channels is None or channels in allowed)


def _square(
    dimensions: list[int | None], layout: str, size: int | None, color: str | None
) -> tuple[int | None, int | None]:
    """Return side and channels, None for what is not known."""
    height, width, channels = (dimensions[axis] for axis in _AXES[layout])
    if channels is None and color is not None:
        channels = _CHANNELS[color][0]
    return height or width or size, channels


def _width(declared: Declared) -> int | None:
    """Return the number of values for one image; None if the file does not state it."""
    if declared is None or None in declared[1:]:
        return None
    return math.prod(length or 0 for length in declared[1:])


def _outputs(widths: dict[str, int | None]) -> str:
    texts = (f"{name} ({'unknown' if width is None else width})" for name, width in widths.items())
    if not widths:
        return "no output"
    return f"the output{'s' * (len(widths) > 1)} {', '.join(texts)}"


def _wanted(size: int | None, color: str | None, layout: str | None) -> str:
    channels = "1 or 3" if color is None else " or ".join(map(str, _CHANNELS[color]))
    side = "" if size is None else f", {size} x {size} pixels"
    return f"{channels} channels{side}" + ("" if layout is None else f", {layout}")


def _text(dimensions: list[int | None]) -> str:
    return "[" + ", ".join("?" if each is None else str(each) for each in dimensions) + "]"
