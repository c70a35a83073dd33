"""Parsing of the part of YAML that configurations and label maps need.

Aliases and tags are refused: nested aliases make a small file huge, and a tag can demand a value
that the parser fails on. Dates are text.
"""

from pathlib import Path
from typing import Any

import yaml

from emorec.errors import ConfigError
from emorec.short_repr import short_repr

MAX_LENGTH = 2**16
"""Most characters of a text; PyYAML parses about 100,000 characters in a second."""

MAX_DEPTH = 20
"""Deepest nesting of lists and mappings."""

MAX_NUMBER_LENGTH = 40
"""Most characters of a number."""

_TAG = "tag:yaml.org,2002:"
_NUMBERS = (f"{_TAG}int", f"{_TAG}float")


class _StrictLoader(yaml.SafeLoader):
    depth = 0

    yaml_implicit_resolvers = {  # noqa: RUF012, as in the base class
        first: [(tag, pattern) for tag, pattern in resolvers if tag != f"{_TAG}timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise ValueError(f"aliases such as *{event.anchor:.40} are not allowed")
        tag = getattr(event, "tag", None)
        if tag is not None:
            raise ValueError(f"tags such as {tag:.40} are not allowed")
        if self.depth == MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        if node.tag not in _NUMBERS:
            return super().construct_object(node, deep)
        if len(node.value) > MAX_NUMBER_LENGTH:
            raise ValueError(f"a number has more than {MAX_NUMBER_LENGTH} characters")
        try:
            return super().construct_object(node, deep)
        except (ValueError, IndexError) as error:
            raise ValueError(f"{node.value!r} is not a number") from error

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        mapping = super().construct_mapping(node, deep)
        if len(mapping) < len(node.value):
            raise ValueError("a key appears twice in a mapping")
        return mapping


def parse(text: str) -> Any:
    """Parse a YAML text of one document.

    Returns:
        None, booleans, numbers, text, and lists and mappings of them.

    Raises:
        ValueError: The text is not YAML, or not of the accepted part of it; the message is one
            line.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"it has {len(text)} characters; at most {MAX_LENGTH} are read")
    try:
        return yaml.load(text, _StrictLoader)
    except ValueError:
        raise
    # The constructors of PyYAML raise exceptions of many types for values that they do not expect.
    except (yaml.YAMLError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{' '.join(str(error).split()):.200}") from error


def read_mapping(path: Path, expected: str, missing: str = "") -> dict[str, Any]:
    """Read a YAML file whose content is a mapping with text as keys.

    Args:
        path: The file.
        expected: What the file should be, for messages, such as "a configuration is a mapping of
            settings, such as 'epochs: 30'".
        missing: Advice if there is no such file; begins with "; ".

    Returns:
        The mapping; empty for an empty file.

    Raises:
        ConfigError: The file cannot be read, is too large, or is not such a mapping.
    """
    try:
        if path.stat().st_size > MAX_LENGTH:
            raise ConfigError(f"{path}: at most {MAX_LENGTH} bytes are read; {expected}")
        found = parse(path.read_text("utf-8"))
    except OSError as error:
        hint = missing if isinstance(error, FileNotFoundError) else ""
        raise ConfigError(f"{path}: cannot read: {error.strerror or error}{hint}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: not a YAML file that emorec reads: {error}") from error
    if found is None:
        return {}
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise ConfigError(f"{path}: {expected}")
    return found


def read_label_map(path: Path) -> dict[str, str]:
    """Read a file that names the label of the initial weights for labels of the data set.

    Args:
        path: YAML file with one line for each label, such as `smile: happy`.

    Raises:
        ConfigError: As for `read_mapping`, or the file maps nothing, or a value is no text.
    """
    expected = (
        "a label map has a line for each label, 'label of the data set: label of the initial "
        "weights', such as 'smile: happy'; a label such as no or 1 needs quotes"
    )
    found = read_mapping(path, expected)
    wrong = [value for value in found.values() if not isinstance(value, str)]
    if wrong or not found:
        received = short_repr(wrong[0]) if wrong else "nothing"
        raise ConfigError(f"{path}: {expected}; received {received}")
    return found
