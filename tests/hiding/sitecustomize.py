"""Hides the packages named in the variable HIDDEN, as if they were not installed."""

import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from typing import Any

_hidden = os.environ["HIDDEN"].split(",")


class _Finder(PathFinder):
    @classmethod
    def find_spec(cls, fullname: str, *rest: Any, **named: Any) -> ModuleSpec | None:
        return None if fullname in _hidden else super().find_spec(fullname, *rest, **named)


sys.meta_path[sys.meta_path.index(PathFinder)] = _Finder
