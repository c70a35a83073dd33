"""Short representations of received values, for messages."""

import reprlib

_REPR = reprlib.Repr()
_REPR.maxstring = _REPR.maxlong = _REPR.maxother = 60
_REPR.maxlevel = 3


def short_repr(value: object) -> str:
    """Represent a value in at most 80 characters.

    The time does not grow with the size or the nesting of the value, unlike that of `repr`, which
    takes minutes for a list that holds another one many times.
    """
    try:
        text = _REPR.repr(value)
    except ValueError:  # Python refuses to print integers of more than 4300 digits
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= 80 else f"{text[:77]}..."
