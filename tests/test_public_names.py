"""The names that `import emorec` offers."""

import ast
import importlib
import pydoc
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.backends import hiding

import emorec

SOURCE = Path(emorec.__file__).read_text("utf-8")


def imports_of_type_checkers() -> dict[str, str]:
    """Return the module of each name that the root imports for type checkers."""
    return {
        alias.name: str(node.module)
        for node in ast.walk(ast.parse(SOURCE))
        if isinstance(node, ast.ImportFrom) and node.module != "importlib"
        for alias in node.names
    }


def test_type_checkers_know_every_name():
    origins = {name: origin for origin, names in emorec._ORIGINS.items() for name in names}
    assert origins == imports_of_type_checkers()
    assert sorted(emorec.__all__) == emorec.__all__ == sorted([*origins, "__version__"])


@pytest.mark.parametrize(("name", "origin"), sorted(imports_of_type_checkers().items()))
def test_each_name_is_the_object_of_its_module(name: str, origin: str):
    found = getattr(emorec, name)
    assert found is getattr(importlib.import_module(origin), name)
    assert found.__module__ == origin, "the table names where it is defined"
    assert found.__doc__


def test_an_unknown_name():
    with pytest.raises(AttributeError, match="module 'emorec' has no attribute 'recognise'"):
        _ = emorec.recognise  # type: ignore[attr-defined]


def test_help_and_dir_show_every_name():
    assert set(emorec.__all__) <= set(dir(emorec))
    text = pydoc.plain(pydoc.render_doc(emorec))
    for name in {*emorec.__all__} - {"__version__"}:
        assert re.search(rf"^    (class )?{name}\(", text, re.M), name
    assert "Train a model, and write a run folder" in text


@pytest.mark.parametrize(
    ("code", "hidden", "message"),
    [
        ("emorec.train(data='.')", "pydantic", "training needs the package 'pydantic'; install it"),
        ("emorec.to_pandas([])", "pandas", "needs the package 'pandas'; install it with: pip inst"),
    ],
)
def test_a_package_is_missing(code: str, hidden: str, message: str, tmp_path: Path):
    environment = hiding(hidden)
    environment["PYTHONPATH"] += f":{Path(emorec.__file__).parents[1]}"
    program = f"import emorec\ntry:\n  {code}\nexcept emorec.MissingDependencyError as e: print(e)"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert message in done.stdout
    assert "pip install" in done.stdout


def test_help_needs_no_extra(tmp_path: Path):
    environment = hiding("pydantic", "keras", "tensorflow", "matplotlib", "pandas", "yaml")
    environment["PYTHONPATH"] += f":{Path(emorec.__file__).parents[1]}"
    program = "import emorec, pydoc; print(pydoc.plain(pydoc.render_doc(emorec)))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert "Evaluate a model on a split of a data set" in done.stdout
