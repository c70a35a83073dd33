"""Strict reading of cascade files before OpenCV loads them.

OpenCV trusts such a file: OpenCV 4.14 crashes with a segmentation fault on elements that are nested
too deeply, and during detection if a feature or child index is out of range. It also accepts
children of any name. So the file is parsed here, and OpenCV receives a text written from the
parsed numbers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from emorec.errors import ModelError

MAX_WINDOW = 1000
"""Largest side of a training window in pixels; published cascades have 20 to 64."""

MAX_STAGES = 200
MAX_TREES = 20_000
"""Most trees of all stages; the largest published cascade has 8468."""

MAX_NODES = 100
"""Most nodes of a tree; published cascades have up to 3."""

MAX_FEATURES = 50_000
_MAX_RECTANGLES = 3

_MAX_FLOAT32 = 3.4e38

# Parameters of the training, which detection does not use.
_STAGE_PARAMETERS = frozenset(
    ("boostType", "maxDepth", "maxFalseAlarm", "maxWeakCount", "minHitRate", "weightTrimRate")
)
_FEATURE_PARAMETERS = frozenset(("featSize", "maxCatCount", "mode"))


@dataclass(frozen=True)
class _Feature:
    rectangles: list[list[float]]
    tilted: bool


@dataclass(frozen=True)
class _Tree:
    nodes: list[float]
    leaves: list[float]


@dataclass(frozen=True)
class _Stage:
    threshold: float
    trees: list[_Tree]


def rewritten(text: str, source: str) -> str:
    """Parse a Haar cascade and write it again.

    Args:
        text: Content of the XML file.
        source: Name of the file, for messages.

    Returns:
        An XML text with the same stages and features and nothing else.

    Raises:
        ModelError: The text is no Haar cascade, holds other elements, or a number is out of range.
    """
    if "<!DOCTYPE" in text:
        raise ModelError(f"{source}: a DOCTYPE is not allowed in a cascade file")
    try:
        return "".join(_rewritten(ElementTree.fromstring(text)))
    except ElementTree.ParseError as error:
        raise ModelError(f"{source}: not an XML file ({error})") from error
    except ValueError as error:
        raise ModelError(f"{source}: not a Haar cascade that OpenCV 4 can read: {error}") from error


def _rewritten(root: Element) -> Iterator[str]:
    parts = _parts(_parts(root, "cascade")["cascade"], *_CASCADE)
    kinds = [(parts[name].text or "").strip() for name in ("stageType", "featureType")]
    if kinds != ["BOOST", "HAAR"]:
        raise ValueError(f"the types of stages and features are {kinds}, not BOOST and HAAR")
    width, height = (_integer(parts[name]) for name in ("width", "height"))
    if not (1 <= width <= MAX_WINDOW and 1 <= height <= MAX_WINDOW):
        raise ValueError(f"the window is {width} x {height} pixels")
    _parts(parts["stageParams"], optional=_STAGE_PARAMETERS)
    parameters = _parts(parts["featureParams"], "maxCatCount", optional=_FEATURE_PARAMETERS)
    if _integer(parameters["maxCatCount"]):
        raise ValueError("the features are categorical")
    features = [_feature(item, width, height) for item in _items(parts["features"], MAX_FEATURES)]
    stages = [_stage(item, len(features)) for item in _items(parts["stages"], MAX_STAGES)]
    if sum(len(stage.trees) for stage in stages) > MAX_TREES:
        raise ValueError(f"it has more than {MAX_TREES} trees")
    yield '<?xml version="1.0"?>\n<opencv_storage><cascade type_id="opencv-cascade-classifier">\n'
    yield "<stageType>BOOST</stageType><featureType>HAAR</featureType>\n"
    yield f"<height>{height}</height><width>{width}</width>\n"
    most = max(len(stage.trees) for stage in stages)
    yield f"<stageParams><maxWeakCount>{most}</maxWeakCount></stageParams>\n"
    yield "<featureParams><maxCatCount>0</maxCatCount></featureParams>\n"
    yield f"<stageNum>{len(stages)}</stageNum>\n<stages>\n"
    for stage in stages:
        yield f"<_><maxWeakCount>{len(stage.trees)}</maxWeakCount>"
        yield f"<stageThreshold>{stage.threshold!r}</stageThreshold><weakClassifiers>\n"
        for tree in stage.trees:
            yield f"<_><internalNodes>{_text(tree.nodes)}</internalNodes>"
            yield f"<leafValues>{_text(tree.leaves)}</leafValues></_>\n"
        yield "</weakClassifiers></_>\n"
    yield "</stages>\n<features>\n"
    for feature in features:
        rectangles = "".join(f"<_>{_text(numbers)}</_>" for numbers in feature.rectangles)
        yield f"<_><rects>{rectangles}</rects><tilted>{int(feature.tilted)}</tilted></_>\n"
    yield "</features>\n</cascade></opencv_storage>\n"


_CASCADE = (
    "stageType",
    "featureType",
    "height",
    "width",
    "stageParams",
    "featureParams",
    "stageNum",
    "stages",
    "features",
)


def _parts(
    parent: Element, *required: str, optional: frozenset[str] = frozenset()
) -> dict[str, Element]:
    """Return the children of an element by name.

    Raises:
        ValueError: A required child is missing, or there is another one, or one occurs twice.
    """
    found: dict[str, Element] = {}
    for child in parent:
        if child.tag not in required and child.tag not in optional:
            raise ValueError(f"<{parent.tag}> has the unknown child <{child.tag:.40}>")
        if child.tag in found:
            raise ValueError(f"<{parent.tag}> has two children <{child.tag}>")
        found[child.tag] = child
    for name in required:
        if name not in found:
            raise ValueError(f"<{parent.tag:.40}> needs one <{name}> and has 0")
    return found


def _items(parent: Element, most: int) -> list[Element]:
    """Return the items of a list, which are called "_".

    Raises:
        ValueError: A child has another name, or there are none or too many.
    """
    other = next((child.tag for child in parent if child.tag != "_"), None)
    if other is not None:
        raise ValueError(f"<{parent.tag}> has the unknown child <{other:.40}>")
    if not 1 <= len(parent) <= most:
        raise ValueError(f"<{parent.tag}> has {len(parent)} items; 1 to {most} are allowed")
    return list(parent)


def _numbers(element: Element, count: int | None = None) -> list[float]:
    words = (element.text or "").split()
    if len(element):
        raise ValueError(f"<{element.tag}> has children")
    if count is not None and len(words) != count:
        raise ValueError(f"<{element.tag}> needs {count} numbers and has {len(words)}")
    numbers = [float(word) for word in words]
    for number in numbers:
        if not abs(number) <= _MAX_FLOAT32:
            raise ValueError(f"<{element.tag}> holds the number {number:g}")
    return numbers


def _whole(numbers: list[float]) -> list[int]:
    if any(not number.is_integer() for number in numbers):
        raise ValueError(f"{_text(numbers):.80} must be integers")
    return [int(number) for number in numbers]


def _integer(element: Element) -> int:
    return _whole(_numbers(element, 1))[0]


def _text(numbers: list[float]) -> str:
    return " ".join(
        str(int(number)) if number.is_integer() and abs(number) < 2**31 else repr(number)
        for number in map(float, numbers)
    )


def _feature(item: Element, width: int, height: int) -> _Feature:
    parts = _parts(item, "rects", optional=frozenset(("tilted",)))
    tilted = _integer(parts["tilted"]) if "tilted" in parts else 0
    if tilted not in (0, 1):
        raise ValueError(f"<tilted> is {tilted}, not 0 or 1")
    rectangles = []
    # OpenCV has room for three rectangles and writes beyond it.
    for rectangle in _items(parts["rects"], _MAX_RECTANGLES):
        *sides, weight = _numbers(rectangle, 5)
        x, y, w, h = _whole(sides)
        # A tilted rectangle extends w pixels down to the right and h pixels down to the left.
        left, bottom = (x - h, y + w + h) if tilted else (x, y + h)
        if not (0 <= left <= x <= x + w <= width and 0 <= y <= y + h <= bottom <= height):
            raise ValueError(f"the rectangle {x} {y} {w} {h} extends beyond the window")
        rectangles.append([x, y, w, h, weight])
    return _Feature(rectangles, bool(tilted))


def _stage(item: Element, features: int) -> _Stage:
    parts = _parts(item, "maxWeakCount", "stageThreshold", "weakClassifiers")
    trees = [_tree(tree, features) for tree in _items(parts["weakClassifiers"], MAX_TREES)]
    if _integer(parts["maxWeakCount"]) != len(trees):
        raise ValueError(f"a stage has {len(trees)} trees, and <maxWeakCount> is another number")
    return _Stage(_numbers(parts["stageThreshold"], 1)[0], trees)


def _tree(item: Element, features: int) -> _Tree:
    parts = _parts(item, "internalNodes", "leafValues")
    words, leaves = _numbers(parts["internalNodes"]), _numbers(parts["leafValues"])
    nodes = len(words) // 4
    if not 1 <= nodes <= MAX_NODES or len(words) % 4 or len(leaves) != nodes + 1:
        raise ValueError(f"a tree has {len(words) / 4:g} nodes and {len(leaves)} leaves")
    for node in range(nodes):
        left, right, feature = _whole(words[4 * node : 4 * node + 3])
        if not 0 <= feature < features:
            raise ValueError(f"feature index {feature} is out of range of {features}")
        for child in (left, right):
            # A positive child is a node and must come later, or evaluation never ends; others are
            # leaves.
            if not (-nodes <= child <= 0 or node < child < nodes):
                raise ValueError(f"node {node} of {nodes} has the child index {child}")
    return _Tree(words, leaves)
