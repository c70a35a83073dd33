import importlib.metadata
import json
import shutil
import sys
from pathlib import Path

import pytest
from helpers.other_pythons import pretend_python

from emorec import installation
from emorec.errors import MissingDependencyError
from emorec.installation import (
    extra_for,
    extras_in,
    imports_explained,
    install_command,
    pip_command,
    requirements,
    supported_pythons,
)

ROOT = Path(__file__).resolve().parents[1]

REQUIREMENTS = [
    "numpy>=1.26",
    "opencv-python<5,>=4.12",
    'matplotlib>=3.9; extra == "plots"',
    'ray>=2.40; extra == "ray"',
    'keras>=3; extra == "keras"',
    'matplotlib>=3.9; extra == "keras"',
    'PyYAML>=6; extra == "keras"',
    'emorec[keras]; extra == "train"',
    'tensorflow>=2.19; extra == "train"',
    'tf2onnx>=1.17; extra == "train"',
    'emorec[keras]; extra == "jax"',
    'jax>=0.7; extra == "jax"',
    'emorec[keras]; extra == "torch"',
    'torch>=2.7; extra == "torch"',
    'mlflow-skinny>=3; extra == "mlflow"',
    'emorec[train]; extra == "dev"',
    'pandas>=2; extra == "dev"',
]


@pytest.fixture(autouse=True)
def _pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell finds the pip of this Python, as in an active environment."""
    monkeypatch.setattr(shutil, "which", lambda name: str(Path(sys.executable).with_name(name)))


@pytest.mark.parametrize("found", [None, "/elsewhere/bin/pip"])
def test_a_pip_that_the_shell_does_not_find(
    monkeypatch: pytest.MonkeyPatch, found: str | None
) -> None:
    assert pip_command() == "pip"
    monkeypatch.setattr(shutil, "which", lambda name: found)
    monkeypatch.setattr(sys, "executable", "/my venv/bin/python")
    assert pip_command() == "'/my venv/bin/python' -m pip"
    assert " && '/my venv/bin/python' -m pip install " in install_command("ray")


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installation outside a checkout, with the requirements above."""
    monkeypatch.setattr(installation, "_PACKAGE", tmp_path / "site-packages" / "emorec")
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: REQUIREMENTS)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)


def installed_from(monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    class Distribution:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return text

    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: Distribution())


@pytest.mark.usefixtures("wheel")
@pytest.mark.parametrize(
    ("backend", "package", "extra"),
    [
        (None, "", None),
        (None, "nonsense", None),
        (None, "keras.nonsense", None),
        (None, "pandas", None),
        (None, "cv2", ""),
        (None, "numpy", ""),
        (None, "packaging", ""),
        (None, "matplotlib", "plots"),
        (None, "ray", "ray"),
        (None, "pyarrow", None),
        (None, "keras", "train"),
        (None, "yaml", "train"),
        (None, "PyYAML", "train"),
        (None, "tensorflow", "train"),
        (None, "jax", "jax"),
        (None, "torch", "torch"),
        ("jax", "keras", "jax"),
        ("jax", "matplotlib", "plots"),
        ("jax", "tf2onnx", "train"),
        ("torch", "yaml", "torch"),
        (None, "mlflow", "mlflow"),
        ("nonsense", "keras", "train"),
    ],
)
def test_the_smallest_extra_of_a_package(
    monkeypatch: pytest.MonkeyPatch, backend: str | None, package: str, extra: str | None
) -> None:
    if backend:
        monkeypatch.setenv("KERAS_BACKEND", backend)
    assert extra_for(package) == extra


@pytest.mark.usefixtures("wheel")
@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (None, "pip install 'emorec[train]'"),
        ("no JSON", "pip install 'emorec[train]'"),
        ("[]", "pip install 'emorec[train]'"),
        (
            json.dumps({"url": "file:///src/my%20emorec", "dir_info": {}}),
            "cd '/src/my emorec' && pip install '.[train]'",
        ),
        (
            json.dumps({"url": "https://host/emorec.git", "vcs_info": {"vcs": "git"}}),
            "pip install 'emorec[train] @ git+https://host/emorec.git'",
        ),
        (
            json.dumps({"url": "file:///tmp/emorec.whl", "archive_info": {}}),
            "pip install 'emorec[train] @ file:///tmp/emorec.whl'",
        ),
    ],
)
def test_an_extra_is_installed_from_where_emorec_came(
    monkeypatch: pytest.MonkeyPatch, origin: str | None, command: str
) -> None:
    installed_from(monkeypatch, origin)
    assert install_command("train") == command


@pytest.mark.usefixtures("wheel")
def test_emorec_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    installed_from(monkeypatch, None)
    assert install_command() == "pip install emorec"
    assert install_command(options="--no-deps") == "pip install --no-deps emorec"


def test_a_checkout_is_installed_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my checkout"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("")
    monkeypatch.setattr(installation, "_PACKAGE", folder / "emorec")
    for origin, option in (
        (None, ""),
        ({"url": "file:///src", "dir_info": {}}, ""),
        ({"url": folder.as_uri(), "dir_info": {"editable": True}}, "-e "),
    ):
        installed_from(monkeypatch, None if origin is None else json.dumps(origin))
        assert install_command("ray") == f"cd '{folder}' && pip install {option}'.[ray]'"
        assert install_command() == f"cd '{folder}' && pip install {option}."


def test_a_checkout_that_is_not_installed_has_the_requirements_of_its_project(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", missing)
    texts = requirements()
    assert "packaging>=24" in texts
    assert 'matplotlib>=3.9; extra == "plots"' in texts
    assert extra_for("matplotlib") == "plots"
    assert extra_for("tf2onnx") == "train"
    monkeypatch.setattr(installation, "_PACKAGE", Path("/nowhere/emorec"))
    assert requirements() == []


def test_extras_of_markers() -> None:
    assert extras_in("") == []
    assert extras_in("a; extra == 'x'\nb; extra==\"y\" and os_name == 'nt'\nc; extra == 'x'") == [
        "x",
        "y",
    ]


@pytest.mark.parametrize(
    ("package", "extra"),
    [("huggingface_hub", "hub"), ("onnx", "onnx"), ("pillow_heif", "heic"), ("click", "")],
)
def test_the_extras_of_this_checkout(
    monkeypatch: pytest.MonkeyPatch, package: str, extra: str
) -> None:
    of_checkout = installation._requirements_of_checkout(ROOT / "pyproject.toml")
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: of_checkout)
    assert extra_for(package) == extra


def test_the_import_of_a_missing_package_is_explained(monkeypatch: pytest.MonkeyPatch):
    """tests/cli/test_errors.py has the messages of `missing_package`."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    pretend_python(monkeypatch, 13)
    with pytest.raises(MissingDependencyError) as caught, imports_explained("training"):
        raise ModuleNotFoundError("No module named 'keras'", name="keras")
    command = install_command("train")
    assert str(caught.value) == f"training needs the package 'keras'; install it with: {command}"


@pytest.mark.parametrize("error", [ModuleNotFoundError("", name="nonsense"), KeyError("keras")])
def test_other_errors_pass(error: Exception):
    with pytest.raises(type(error)) as caught, imports_explained("training"):
        raise error
    assert caught.value is error


# Versions of Python for which a package has no wheel


@pytest.fixture
def new_python(wheel: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python 3.14, for which TensorFlow has no wheel."""
    markers = {
        'tensorflow>=2.19; extra == "train"': (
            "tensorflow>=2.19; (python_version < '3.14') and extra == 'train'"
        ),
        'tf2onnx>=1.17; extra == "train"': (
            "tf2onnx>=1.17; python_version < '3.14' and extra == 'train'"
        ),
    }
    texts = [markers.get(text, text) for text in REQUIREMENTS]
    assert texts != REQUIREMENTS
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: texts)
    installed_from(monkeypatch, None)
    pretend_python(monkeypatch, 14)


@pytest.mark.usefixtures("new_python")
@pytest.mark.parametrize(
    ("package", "versions"),
    [
        ("", None),
        ("nonsense", None),
        ("numpy", None),
        ("keras", None),
        ("jax", None),
        ("tensorflow", "3.11 to 3.13"),
        ("tf2onnx", "3.11 to 3.13"),
    ],
)
def test_the_pythons_of_a_package(
    monkeypatch: pytest.MonkeyPatch, package: str, versions: str | None
) -> None:
    assert supported_pythons(package) == versions
    pretend_python(monkeypatch, 13)
    assert supported_pythons(package) is None


@pytest.mark.usefixtures("new_python")
@pytest.mark.parametrize("package", ["keras", "tensorflow", "tf2onnx"])
def test_the_advice_names_the_pythons_that_have_it(
    monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    assert extra_for(package) == "train"
    with pytest.raises(MissingDependencyError) as caught, imports_explained("training"):
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    assert str(caught.value) == (
        "training needs Python 3.11 to 3.13: tensorflow has no wheel for 3.14; install such a "
        "Python, or the Keras backend jax: pip install 'emorec[jax]', and set KERAS_BACKEND=jax"
    )


@pytest.mark.usefixtures("new_python")
def test_another_backend_has_a_wheel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with (
        pytest.raises(
            MissingDependencyError, match=r"install it with: pip install 'emorec\[jax\]'"
        ),
        imports_explained("training"),
    ):
        raise ModuleNotFoundError("No module named 'keras'", name="keras")


def test_a_marker_and_an_extra_are_joined(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[project]\ndependencies = []\n[project.optional-dependencies]\n"
        "train = [\"keras\", \"tensorflow<3; python_version < '3.14' or sys_platform == 'x'\"]\n"
    )
    assert installation._requirements_of_checkout(tmp_path / "pyproject.toml") == [
        'keras; extra == "train"',
        "tensorflow<3; (python_version < '3.14' or sys_platform == 'x') and extra == \"train\"",
    ]


# Windows


@pytest.mark.usefixtures("wheel")
def test_the_commands_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PowerShell 5 has no &&, and the command prompt no single quotes."""
    monkeypatch.setattr(sys, "platform", "win32")
    installed_from(monkeypatch, None)
    assert install_command("train") == 'pip install "emorec[train]"'
    folder = tmp_path / "my checkout"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("")
    monkeypatch.setattr(installation, "_PACKAGE", folder / "emorec")
    assert install_command("ray") == f'pip install "{folder}[ray]"'
