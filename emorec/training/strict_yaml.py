"""Parsing of the part of YAML that configurations need.

Aliases and tags are refused: nested aliases make a small file huge, and a tag can demand a value
that the parser fails on. Dates are text.
"""

from typing import Any

import yaml

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
