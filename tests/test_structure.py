"""Holds the rules of the layout: no import cycles, short files, distinct names, mirrored tests."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "emorec"
PATHS = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
"""Every module with its file; a package is "emorec.cli.__init__"."""

ROOT_MODULE = "emorec.__init__"
"""It loads what it offers on request, so modules may import the version from it; test_layers.py
checks that."""

MOST_LINES = 320

NAMES_IN_SEVERAL_PACKAGES = {"__init__", "base", "registry"}
NAMES_IN_SEVERAL_COMMANDS = {"__init__", "command"}

TYPE_CHECKING_CYCLES: dict[tuple[str, str], str] = {}
"""Imports for type checkers alone that would close a cycle, with the reason."""

WITHOUT_OWN_TESTS = {
    "emorec.__main__": "tests/cli/test_main.py runs it",
    "emorec.cli.doctor.check": "a data class; tests/cli/doctor/test_checks.py checks the results",
    "emorec.cli.train": "tests/cli/test_train_evaluate_export.py runs the command",
    "emorec.media.matroska": "tests/media/test_containers.py reads Matroska files",
    "emorec.media.mp4_boxes": "tests/media/test_containers.py reads MP4 files",
    "emorec.media.pyav_child": "tests/media/test_sound.py and test_video_writer.py run it",
    "emorec.media.video_child": "tests/media/test_video_process.py runs it",
    "emorec.media.video_tracks": "a data class; tests/media/test_containers.py reads tracks",
    "emorec.training.tuning_progress": "a data class; tests/training/test_tuning.py checks reports",
    "emorec.datasets.prepared_files": "names only; tests/datasets/test_prepare.py checks the files",
    "emorec.modeling.hdf5_weights": "tests/cli/test_hostile_files.py runs it on hostile files",
    "emorec.modeling.keras_config": "tests/cli/test_hostile_files.py runs it on hostile files",
    "emorec.export.adopted_graph": "tests/export/test_adopt.py runs the graphs that it builds",
    "emorec.models.hub_files": "tests/models/test_hub.py asks a stub of the hub with it",
    "emorec.models.keras_archive": "tests/models/test_files.py reads damaged files with it",
    "emorec.models.onnx_graph": "tests/models/test_onnx_limits.py parses graphs with it",
    "emorec.models.onnx_operators": "tests/models/test_onnx_limits.py compares the results",
    "emorec.models.onnx_shapes": "tests/models/test_onnx_limits.py compares the results",
    "emorec.models.onnx_windows": "tests/models/test_onnx_limits.py compares the results",
    "emorec.models.protobuf": "tests/models/test_onnx_properties.py reads every wire type",
    "emorec.inference.base": "a protocol; tests/inference/ and tests/evaluation/ test its classes",
    "emorec.detection.base": "a protocol; tests/detection/ checks every detector against it",
}
"""Modules whose tests are elsewhere, with the reason."""


def imported(source: str, module: str) -> Iterator[str]:
    """Names of the modules of emorec that a source imports, those inside functions too."""
    tree = ast.parse(source)
    exempt = {
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            # `from emorec.x import y` names a module or what is in one.
            around = name.rpartition(".")[0]
            for candidate in (name, around, f"{name}.__init__", f"{around}.__init__"):
                allowed = node in exempt and (module, candidate) in TYPE_CHECKING_CYCLES
                if candidate in PATHS and candidate != ROOT_MODULE and not allowed:
                    yield candidate


def first_cycle(graph: dict[str, set[str]]) -> list[str]:
    """Return the modules of an import cycle; empty without one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_modules_import_each_other() -> None:
    graph = {
        module: set(imported(path.read_text("utf-8"), module)) for module, path in PATHS.items()
    }
    assert first_cycle(graph) == []


@pytest.mark.parametrize(
    ("graph", "cycle"),
    [
        ({}, []),
        ({"a": {"b"}, "b": {"c"}}, []),
        ({"a": {"b"}, "b": {"a"}}, ["a", "b", "a"]),
    ],
)
def test_the_check_for_cycles(graph: dict[str, set[str]], cycle: list[str]) -> None:
    assert sorted(first_cycle(graph)) == sorted(cycle)


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("", []),
        ("import click\nfrom pathlib import Path", []),
        ("from emorec.errors import DataError", ["emorec.errors"]),
        ("from emorec import errors, types", ["emorec.errors", "emorec.types"]),
        ("def f():\n    from emorec.cli.main import run", ["emorec.cli.main"]),
        ("from emorec.cli import main", ["emorec.cli.main", "emorec.cli.__init__"]),
        ("if TYPE_CHECKING:\n    from emorec.types import Box", ["emorec.types"]),
        ("import emorec.types", ["emorec.types"]),
        ("from emorec import __version__", []),
        ("from emorec.cli.detect import detect", ["emorec.cli.detect.__init__"]),
    ],
)
def test_imports_of_a_source(source: str, modules: list[str]) -> None:
    assert list(imported(source, "emorec.images")) == modules


def test_files_are_short() -> None:
    long = {
        module: lines
        for module, path in PATHS.items()
        if (lines := len(path.read_text("utf-8").splitlines())) > MOST_LINES
    }
    assert long == {}, f"a file has at most {MOST_LINES} lines; split these by concept"


def test_no_cli_module_begins_with_an_underscore() -> None:
    names = [module for module in PATHS if module.startswith("emorec.cli.")]
    hidden = [name for name in names if "._" in name and not name.endswith(".__init__")]
    assert hidden == []


@pytest.mark.parametrize(
    ("in_cli", "allowed"),
    [(False, NAMES_IN_SEVERAL_PACKAGES), (True, NAMES_IN_SEVERAL_COMMANDS)],
)
def test_no_module_name_is_used_twice(in_cli: bool, allowed: set[str]) -> None:
    """A module of cli is named after its command and may share the name of what it calls."""
    modules = defaultdict(list)
    for module in PATHS:
        if module.startswith("emorec.cli.") == in_cli:
            modules[module.rpartition(".")[2]].append(module)
    twice = {name: found for name, found in modules.items() if len(found) > 1}
    assert {name: found for name, found in twice.items() if name not in allowed} == {}


def mirrored(module: str) -> Path:
    """Return the test module of a module: tests/cli/test_main.py for emorec.cli.main."""
    *packages, name = module.removeprefix("emorec.").split(".")
    return ROOT.joinpath("tests", *packages, f"test_{name}.py")


def test_every_module_has_a_test_module() -> None:
    modules = [module for module in PATHS if not module.endswith(".__init__")]
    missing = [module for module in modules if not mirrored(module).is_file()]
    needed = [mirrored(module) for module in missing if module not in WITHOUT_OWN_TESTS]
    paths = ", ".join(path.relative_to(ROOT).as_posix() for path in needed)
    assert not needed, f"add {paths}"


def test_the_reasons_for_no_test_module_are_needed() -> None:
    for module in WITHOUT_OWN_TESTS:
        assert module in PATHS
        assert not mirrored(module).is_file()
