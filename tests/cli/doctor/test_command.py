import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner, Result

from emorec import resources
from emorec.cli.doctor import checks as _checks
from emorec.cli.doctor.checks import NOTE, OK, WRONG, fits, parsed
from emorec.cli.main import main
from emorec.models import registry

HEALTHY = {"numpy": "2.1.0", "opencv-python": "4.14.0.94", "onnxruntime": "1.20.1"}
WANTED = ["numpy>=1.26", "onnxruntime>=1.20", "opencv-python<5,>=4.12"]


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch) -> dict[str, str]:
    """Packages that seem to be installed, to be changed by a test; nothing is fetched."""
    monkeypatch.setenv(resources.CACHE_FOLDER_VARIABLE, str(tmp_path / "data"))
    versions = dict(HEALTHY)

    def version(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: WANTED)
    return versions


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def found(*arguments: str) -> dict[tuple[str, str], dict[str, str]]:
    """What doctor reports, by group and name."""
    report = json.loads(run("--json", *arguments).stdout)
    return {(check["group"], check["name"]): check for check in report["checks"]}


def test_a_healthy_installation():
    result = run()
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1] == "nothing is wrong"
    report = json.loads(run("--json").stdout)
    assert report["healthy"] is True
    assert {check["state"] for check in report["checks"]} <= {OK, NOTE}
    checks = {(check["group"], check["name"]): check for check in report["checks"]}
    assert checks["OpenCV", "import"]["found"].startswith(cv2.__version__)
    assert checks["ONNX Runtime", "shipped model"]["state"] == OK
    alt = checks["files", "alt"]
    assert alt["found"].endswith(registry.hash_of(Path(alt["found"].partition(",")[0])))
    yunet = checks["files", "yunet"]
    assert (yunet["state"], yunet["fix"]) == (NOTE, "fetch it with: emorec models pull yunet")


def test_two_opencv_wheels(installed):
    installed["opencv-python-headless"] = "4.12.0"
    result = run()
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "wrong: OpenCV packages"
    check = found()["OpenCV", "packages"]
    assert check["found"].startswith("opencv-python and opencv-python-headless are installed")
    assert check["fix"].startswith("pip uninstall -y opencv-python opencv-python-headless && ")


def test_the_headless_wheel_alone_is_fine(installed):
    installed["opencv-python-headless"] = installed.pop("opencv-python")
    assert found()["packages", "opencv-python"]["found"] == "4.14.0.94 (opencv-python-headless)"
    assert run().exit_code == 0


def test_two_onnx_runtimes(installed):
    installed["onnxruntime-gpu"] = "1.20.1"
    assert found()["ONNX Runtime", "packages"]["state"] == WRONG


@pytest.mark.parametrize(
    ("message", "fix"),
    [
        ("libGL.so.1: cannot open shared object file: No such file", "apt-get install libgl1"),
        ("numpy is broken", "pip install --force-reinstall"),
    ],
)
def test_opencv_that_cannot_be_imported(tmp_path: Path, monkeypatch, message, fix):
    (tmp_path / "cv2.py").write_text(f"raise ImportError({message!r})")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cv2")
    check = found()["OpenCV", "import"]
    assert (check["state"], check["found"]) == (WRONG, message)
    assert fix in check["fix"]
    assert run().exit_code == 1


@pytest.mark.parametrize("name", ["CascadeClassifier", "FaceDetectorYN"])
def test_an_opencv_without_a_detector(monkeypatch, name):
    monkeypatch.delattr(cv2, name)
    check = found()["OpenCV", name]
    assert check["state"] == WRONG
    assert check["fix"] == 'pip install "opencv-python>=4.12,<5"'


@pytest.mark.parametrize(
    ("name", "version", "state"),
    [("numpy", "1.25.9", WRONG), ("opencv-python", "5.0.0", WRONG), ("numpy", None, WRONG)],
)
def test_versions_that_do_not_fit(installed, name, version, state):
    if version:
        installed[name] = version
    else:
        del installed[name]
    check = found()["packages", name]
    assert check["state"] == state
    assert check["fix"].startswith("pip install")
    assert run().exit_code == 1


def test_an_extra_that_is_not_installed_is_a_note(monkeypatch):
    wanted = [*WANTED, 'keras<4,>=3.13.2; extra == "train"', 'pytest>=8; extra == "dev"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: wanted)
    checks = found()
    assert checks["packages", "keras"]["state"] == NOTE
    assert checks["packages", "keras"]["fix"] == "pip install 'emorec[train]'"
    assert ("packages", "pytest") not in checks


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch):
    model = tmp_path / "models" / "emorec-compact.onnx"
    model.parent.mkdir()
    model.write_bytes(b"damaged")
    sums = (resources.shipped_model().parent / registry.SUMS).read_text()
    (model.parent / registry.SUMS).write_text(sums)
    monkeypatch.setattr(resources, "shipped_model", lambda: model)
    checks = found()
    assert checks["files", "emorec-compact"]["state"] == WRONG
    assert checks["files", "emorec-compact.keras"]["found"] == "missing"
    assert "reinstall emorec" in checks["files", "emorec-compact"]["fix"]
    assert checks["ONNX Runtime", "shipped model"]["state"] == WRONG


def test_deep_asks_the_backends_that_are_installed(installed, monkeypatch):
    programs = {"torch": "print('cpu', 'a  card')", "jax": "raise SystemExit('no driver')"}
    monkeypatch.setattr(_checks, "_DEEP", programs)
    assert ("devices", "torch") not in found("--deep")
    installed |= {"torch": "2.9", "jax": "0.8"}
    assert ("devices", "torch") not in found()
    checks = found("--deep")
    assert checks["devices", "torch"]["found"] == "cpu a card"
    assert (checks["devices", "jax"]["state"], checks["devices", "jax"]["found"]) == (
        WRONG,
        "no driver",
    )


def test_a_card_is_asked_of_nvidia_smi(monkeypatch, tmp_path: Path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Some Card, 8192 MiB'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert found()["accelerators", "nvidia"]["found"] == "Some Card, 8192 MiB"
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert found()["accelerators", "nvidia"]["state"] == NOTE


def test_the_programs_for_the_devices_are_python():
    for program in _checks._DEEP.values():
        compile(program, "deep", "exec")


@pytest.mark.slow
def test_tensorflow_tells_its_devices():
    program = _checks._DEEP["tensorflow"]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "CPU" in done.stdout


@pytest.mark.parametrize(
    ("requirement", "expected"),
    [
        ("numpy", ("numpy", "", "")),
        ("numpy>=1.26", ("numpy", ">=1.26", "")),
        ("opencv-python<5,>=4.12", ("opencv-python", "<5,>=4.12", "")),
        ("PyYAML (>=6)", ("pyyaml", ">=6", "")),
        ("keras<4,>=3.13.2; extra == 'train'", ("keras", "<4,>=3.13.2", "train")),
        ('emorec[train]; extra == "dev"', ("emorec", "", "dev")),
        ('ray[data]>=2.40; python_version < "3.13" and extra == "ray"', ("ray", ">=2.40", "ray")),
    ],
)
def test_requirements_taken_apart(requirement, expected):
    assert parsed(requirement) == expected


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("1.0", "", True),
        ("4.14.0.94", ">=4.12,<5", True),
        ("5.0.0", ">=4.12,<5", False),
        ("5", "<5.0", False),
        ("4.9", ">=4.12", False),
        ("3.13.2", ">=3.13.2,<4", True),
        ("3.13.2rc1", ">=3.13.3", False),
        ("2.0", "==2", True),
        ("2.1", "!=2.1", False),
        ("2.1", ">2.1", False),
        ("2.1", "<=2.1", True),
        ("2.1", "~=2.0", True),  # not understood, so not held against it
    ],
)
def test_versions_in_ranges(version, wanted, expected):
    assert fits(version, wanted) is expected
