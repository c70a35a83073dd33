"""The result of one check of `emorec doctor`."""

from dataclasses import dataclass

OK = "ok"
NOTE = "note"
WRONG = "wrong"


@dataclass(frozen=True)
class Check:
    """Result of one check.

    Attributes:
        group: Heading, e.g. "OpenCV".
        name: Name of the check within its group.
        state: `OK`, `NOTE` (worth knowing) or `WRONG`.
        found: What the check found, e.g. a version.
        fix: How to fix it; empty if there is nothing to fix.
    """

    group: str
    name: str
    state: str
    found: str
    fix: str = ""
