"""Finds the known name that a user probably meant by an unknown one."""

from collections.abc import Iterable

_SHORTEST_PART = 3
"""Parts of names that are shorter are not similar to the name."""


def close_names(name: str, known: Iterable[str], most: int = 1) -> list[str]:
    """Return the known names that are similar to a name, the most similar one first.

    Case is ignored. A name of which the given one is the beginning or the end, such as
    "prepare-data" for "data", is similar too.

    Args:
        name: The unknown name.
        known: The known names.
        most: Largest number of names to return.
    """
    from difflib import get_close_matches  # few commands need it

    by_key = {entry.casefold(): entry for entry in known}
    key = name.casefold()
    found = get_close_matches(key, by_key, most)
    if len(key) >= _SHORTEST_PART:
        parts = [entry for entry in by_key if entry.startswith(key) or entry.endswith(key)]
        found += [entry for entry in parts if entry not in found]
    return [by_key[entry] for entry in found[:most]]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return "did you mean 'KNOWN'?" for an unknown name; "" if no known name is similar."""
    return "".join(f"did you mean {entry!r}?" for entry in close_names(name, known))


def unknown_name(kind: str, name: str, known: Iterable[str]) -> str:
    """Describe an unknown name: the name that was probably meant, and all known ones.

    Args:
        kind: What the name is of, e.g. "layout".
        name: The unknown name.
        known: The known names, in the order to list them.
    """
    names = list(known)
    question = did_you_mean(name, names)
    return (
        f"unknown {kind} {name!r:.60}; {question}{question and ' '}choose one of {', '.join(names)}"
    )
