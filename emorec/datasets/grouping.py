"""Parses a rule that says which images belong to one person, and applies it to paths."""

import json
import re
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from emorec.child_process import python_command
from emorec.errors import ConfigError, DataError

FOLDER, COLUMN, PERSON = "folder:", "column:", "person"
"""Beginnings of the rules that are no regular expression, and the name of the group in one."""

MAX_EXPRESSION = 1000
"""Largest number of characters of a regular expression."""

TIMEOUT_S, TIMEOUT_S_OF_PATH = 20.0, 2e-5
"""Time to search a regular expression: in all, and in addition for each path.

Two million paths took 10 s on a busy machine, 5e-6 s each.
"""


_NOBODY = "; correct the expression, or append |$ to it if such images are of nobody else"


@dataclass(frozen=True)
class GroupRule:
    """A rule that groups images; exactly one of the last three attributes is set.

    Attributes:
        text: The rule as the user spelt it.
        level: Level of a folder: 1 is the outermost one, -1 the one that holds the image.
        column: Name of a column of a CSV list or a manifest.
        expression: Regular expression that is searched in the path.
    """

    text: str
    level: int | None = None
    column: str | None = None
    expression: str | None = None

    def groups(
        self, place: Path, paths: Sequence[str], columns: Mapping[str, Sequence[str]]
    ) -> list[str]:
        """Return the group of each image; "" for an image of its own.

        Args:
            place: The data set, for messages.
            paths: Path of each image in the data set, with forward slashes.
            columns: Columns of its list of images; empty without a list.

        Raises:
            ConfigError: There is no such column, or the search takes too long, see `TIMEOUT_S`.
            DataError: A path does not match, or there is one group only or none.
        """
        if self.column is not None:
            found: Sequence[str | None] = self._values(self.column, place, columns)
        elif self.level is not None:
            found = [_folder(path, self.level) for path in paths]
        else:
            found = _search(self, paths)
        if missing := [path for path, name in zip(paths, found, strict=True) if name is None]:
            raise DataError(
                f"{place}: {len(missing):,} of {len(paths):,} paths do not match {self}, such as "
                f"{missing[0]!r:.200}{_NOBODY if self.expression else ''}"
            )
        groups = [(name or "").strip() for name in found]
        names = set(groups)
        if names == {""}:
            raise DataError(f"{place}: {self} finds no group in any of {len(groups):,} images")
        if len(names) == 1 and len(groups) > 1:
            raise DataError(
                f"{place}: {self} puts all {len(groups):,} images into one group, "
                f"{groups[0]!r:.80}; a rule must tell people apart"
            )
        return groups

    def _values(
        self, column: str, place: Path, columns: Mapping[str, Sequence[str]]
    ) -> Sequence[str]:
        if column in columns:
            return columns[column]
        known = f"its columns are {', '.join(columns)}" if columns else "it has no list of images"
        raise ConfigError(f"{place}: {self}: no such column; {known}")

    def __str__(self) -> str:
        return f"--group-by {self.text!r:.80}"


def parse_rule(text: str) -> GroupRule:
    """Parse a rule: folder:N, column:NAME, or else a regular expression.

    In a regular expression the group named "person" is the name of the person, if there is one,
    else the whole match.

    Raises:
        ConfigError: The level, the column or the regular expression is invalid.
    """
    rule = GroupRule(text)
    if text.startswith(FOLDER):
        level = text.removeprefix(FOLDER).strip()
        if not re.fullmatch(r"-?[0-9]{1,3}", level) or not int(level):
            raise ConfigError(
                f"{rule}: the level of a folder is 1 for the outermost one, 2 for the next, or -1 "
                f"for the one that holds the image; received {level!r:.40}"
            )
        return GroupRule(text, level=int(level))
    if text.startswith(COLUMN):
        if not (column := text.removeprefix(COLUMN).strip()):
            raise ConfigError(f"{rule}: the name of the column is missing, as in column:person")
        return GroupRule(text, column=column)
    if not text or len(text) > MAX_EXPRESSION:
        raise ConfigError(
            f"{rule}: a regular expression has 1 to {MAX_EXPRESSION} characters; received "
            f"{len(text):,}"
        )
    try:
        _compiled(text)
    except re.error as error:
        where = "" if error.pos is None else f" at character {error.pos + 1}"
        raise ConfigError(f"{rule}: not a regular expression: {error.msg}{where}") from error
    except (RecursionError, OverflowError) as error:
        raise ConfigError(f"{rule}: too complex for a regular expression") from error
    return GroupRule(text, expression=text)


def _compiled(expression: str) -> re.Pattern[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of brackets in a set
        return re.compile(expression)


def _folder(path: str, level: int) -> str | None:
    folders = path.split("/")[:-1]
    index = level - 1 if level > 0 else len(folders) + level
    return folders[index] if 0 <= index < len(folders) else None


def _search(rule: GroupRule, paths: Sequence[str]) -> list[str | None]:
    """Search the regular expression of a rule in paths, in a process that can be ended.

    The time of a search can grow exponentially with the length of a path, and nothing stops it
    within a process.

    Returns:
        The person, or the whole match, of each path; None for a path that does not match.

    Raises:
        ConfigError: The search takes too long.
    """
    import subprocess  # slow to import, and most data sets have no rule

    seconds = TIMEOUT_S + TIMEOUT_S_OF_PATH * len(paths)
    request = json.dumps({"expression": rule.expression, "paths": paths, "seconds": seconds})
    try:
        answer = subprocess.run(
            python_command(f"{__name__}:search_in_child"),
            input=request.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise ConfigError(
            f"{rule}: the search in {len(paths):,} paths did not end within {seconds:.1f} s; "
            "simplify the expression: nested repeats such as (a+)+ take very long"
        ) from error
    return list(json.loads(answer.stdout))


def search_in_child() -> None:
    """Answer the request of `_search` on standard input; runs in the process that it starts."""
    request = json.load(sys.stdin.buffer)
    if sys.platform != "win32":
        import resource

        # The system ends this process even if its parent was killed.
        limit = int(request["seconds"]) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    pattern = _compiled(request["expression"])
    name = PERSON if PERSON in pattern.groupindex else 0
    matches = map(pattern.search, request["paths"])
    json.dump([match and (match[name] or "") for match in matches], sys.stdout)
