"""Validation of cascade files before OpenCV loads them.

OpenCV trusts the numbers in such a file: OpenCV 4.14 crashes with a segmentation fault on elements
that are nested too deeply, and during detection if a feature or child index is out of range.
"""

from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from emorec.errors import ModelError

MAX_WINDOW = 1000
"""Largest side of a training window in pixels; published cascades have 20 to 64."""


def check(text: str, source: str) -> None:
    """Check that a text is a Haar cascade whose indices are in range.

    Args:
        text: Content of the XML file.
        source: Name of the file, for messages.

    Raises:
        ModelError: It is not.
    """
    if "<!DOCTYPE" in text:
        raise ModelError(f"{source}: a DOCTYPE is not allowed in a cascade file")
    try:
        _check_cascade(_only(ElementTree.fromstring(text), "cascade"))
    except ElementTree.ParseError as error:
        raise ModelError(f"{source}: not an XML file ({error})") from error
    except ValueError as error:
        raise ModelError(f"{source}: not a Haar cascade that OpenCV 4 can read: {error}") from error


def _only(parent: Element, name: str) -> Element:
    found = parent.findall(name)
    if len(found) != 1:
        raise ValueError(f"<{parent.tag}> needs one <{name}> and has {len(found)}")
    return found[0]


def _numbers(parent: Element, name: str, count: int | None = None) -> list[float]:
    return _parsed(_only(parent, name), count)


def _parsed(element: Element, count: int | None) -> list[float]:
    words = (element.text or "").split()
    if count is not None and len(words) != count:
        raise ValueError(f"<{element.tag}> needs {count} numbers and has {len(words)}")
    return [float(word) for word in words]


def _check_cascade(cascade: Element) -> None:
    kinds = [(_only(cascade, name).text or "").strip() for name in ("stageType", "featureType")]
    if kinds != ["BOOST", "HAAR"]:
        raise ValueError(f"the types of stages and features are {kinds}, not BOOST and HAAR")
    width, height = (_numbers(cascade, name, 1)[0] for name in ("width", "height"))
    if not (1 <= width <= MAX_WINDOW and 1 <= height <= MAX_WINDOW):
        raise ValueError(f"the window is {width:g} x {height:g} pixels")
    if _numbers(_only(cascade, "featureParams"), "maxCatCount") != [0]:
        raise ValueError("the features are categorical")
    features = _only(cascade, "features").findall("_")
    for feature in features:
        _check_feature(feature, width, height)
    for stage in _only(cascade, "stages").findall("_"):
        for tree in _only(stage, "weakClassifiers").findall("_"):
            _check_tree(tree, len(features))


def _check_feature(feature: Element, width: float, height: float) -> None:
    tilted = feature.find("tilted") is not None and _numbers(feature, "tilted") != [0]
    for rectangle in _only(feature, "rects").findall("_"):
        x, y, w, h, _ = _parsed(rectangle, 5)
        # A tilted rectangle extends w pixels down to the right and h pixels down to the left.
        left, bottom = (x - h, y + w + h) if tilted else (x, y + h)
        if not (0 <= left <= x <= x + w <= width and 0 <= y <= y + h <= bottom <= height):
            raise ValueError(f"the rectangle {x:g} {y:g} {w:g} {h:g} extends beyond the window")


def _check_tree(tree: Element, features: int) -> None:
    words, leaves = _numbers(tree, "internalNodes"), _numbers(tree, "leafValues")
    nodes = len(words) // 4
    if not nodes or len(words) % 4 or len(leaves) != nodes + 1:
        raise ValueError(f"a tree has {len(words) / 4:g} nodes and {len(leaves)} leaves")
    for node in range(nodes):
        left, right, feature, _ = words[4 * node : 4 * node + 4]
        if not 0 <= feature < features:
            raise ValueError(f"feature index {feature:g} is out of range of {features}")
        for child in (left, right):
            # A positive child is a node and must come later, or evaluation never ends; others are
            # leaves.
            if not (-nodes <= child <= 0 or node < child < nodes):
                raise ValueError(f"node {node} of {nodes} has the child index {child:g}")
