"""Holds the import rules: packages import downward, heavy dependencies only in their place."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

LAYERS = (
    {
        "atomic_files",
        "background",
        "child_process",
        "decoder_process",
        "decoder_server",
        "environment",
        "errors",
        "file_kinds",
        "headers",
        "installation",
        "interrupts",
        "iso_boxes",
        "iso_images",
        "json_files",
        "labels",
        "locks",
        "pages",
        "shell_words",
        "short_repr",
        "streams",
        "suffixes",
        "suggestions",
        "table_cells",
        "threads",
        "types",
    },
    {
        "figures",
        "fonts",
        "frames",
        "images",
        "metadata",
        "preprocessing",
        "probabilities",
        "resources",
    }
    | {"image_arrays"},
    {"models"},
    {"detection", "media"},
    {"datasets", "inference", "modeling", "outputs"},
    {"batch", "data_frame", "evaluation", "export"},
    {"app", "training"},
    {"api", "cli"},
    {"__main__"},
)
"""From the lowest up."""

RANKS = {unit: rank for rank, units in enumerate(LAYERS) for unit in units}

MODULES_BELOW = 2
"""Layers of single modules, which may import each other; packages of one layer may not."""

ONLY_IN = {
    "click": ("cli/",),
    "rich": ("cli/",),
    "av": ("media/pyav_child.py",),
    "matplotlib": ("figures.py", "evaluation/plots.py"),
    "onnxruntime": ("detection/yunet_network.py", "inference/", "export/"),
    "starlette": ("app/",),
    "uvicorn": ("app/",),
    "ray": ("batch/ray_cluster.py",),
    "onnx": ("export/",),
    "pandas": ("data_frame.py",),
    "openvino": ("export/",),
    "datasets": ("datasets/readers/hf_",),
    "pyarrow": ("outputs/session/parquet_table.py", "datasets/readers/hf_"),
    "pympi": ("outputs/session/elan_file.py",),
    "ai_edge_litert": ("export/",),
    "tf2onnx": ("export/",),
    # The adapter in cli imports Keras first, without its backend's chatter.
    "keras": ("modeling/", "training/", "export/", "evaluation/", "cli/keras_backend.py"),
    "tensorflow": (
        *("training/fast_layers.py", "training/tf_dataset.py"),
        *("export/runtimes.py", "modeling/gradients.py"),
    ),
    "jax": ("training/distribution.py", "modeling/gradients.py"),
    "torch": ("modeling/gradients.py",),
    "tensorboard": ("training/tensorboard_log.py",),
    "mlflow": ("training/mlflow_tracker.py",),
    "wandb": ("training/wandb_tracker.py",),
    "optuna": ("training/tuning_study.py",),
}

MODULES = sorted((ROOT / "emorec").rglob("*.py"))


def imports(source: str) -> Iterator[str]:
    """Names of the modules that a source imports; "emorec.x" for `from emorec import x`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used here"
            if node.module == "emorec":
                yield from (f"emorec.{alias.name}" for alias in node.names)
            else:
                yield str(node.module)


def problems(place: str, source: str) -> list[str]:
    """What a module, at a place such as "cli/main.py", imports against the rules."""
    own = place.partition("/")[0].removesuffix(".py")
    found = []
    for name in imports(source):
        top, _, rest = name.partition(".")
        other = rest.partition(".")[0]
        if top != "emorec":
            if not any(place.startswith(allowed) for allowed in ONLY_IN.get(top, (place,))):
                found.append(f"{place} imports {name}")
        elif other != "__version__" and other != own:
            below = RANKS[other] < RANKS[own]
            beside = RANKS[other] == RANKS[own] < MODULES_BELOW
            if not (below or beside):
                found.append(f"{place} imports {name}, which is not below it")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_keep_to_the_design(path: Path):
    place = path.relative_to(ROOT / "emorec").as_posix()
    if place != "__init__.py":
        assert problems(place, path.read_text(encoding="utf-8")) == []


def test_every_module_has_its_layer():
    units = {path.relative_to(ROOT / "emorec").parts[0].removesuffix(".py") for path in MODULES}
    assert units - {"__init__"} <= RANKS.keys()


def test_the_root_imports_nothing():
    """It loads what it offers on first access."""
    source = (ROOT / "emorec" / "__init__.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    outside = [*(node for node in tree.body if node is not block), *block.orelse]
    assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in outside)
    code = "import sys; before = set(sys.modules); import emorec; print(set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "{'emorec'}\n"


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("cli/main.py", ""),
        ("cli/main.py", "import click\nfrom emorec.training.runner import train"),
        ("media/drawing.py", "from emorec import __version__, resources"),
        ("metadata.py", "from emorec.preprocessing import COLORS"),
        ("inference/classifier.py", "import onnxruntime.capi"),
        ("evaluation/plots.py", "def f():\n    from matplotlib import figure"),
    ],
)
def test_what_is_allowed(place, source):
    assert problems(place, source) == []


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("labels.py", "from emorec.images import read_bgr"),
        ("labels.py", "from emorec import images"),
        ("media/drawing.py", "from emorec.detection.haar import HaarDetector"),
        ("detection/haar.py", "import emorec.inference"),
        ("training/run.py", "def f():\n    from emorec.cli import main"),
        ("datasets/table.py", "import click"),
        ("evaluation/report.py", "if True:\n    import matplotlib.pyplot"),
        ("cli/detect.py", "import keras"),
        ("modeling/build.py", "import tensorflow as tf"),
    ],
)
def test_what_is_not_allowed(place, source):
    assert len(problems(place, source)) == 1
