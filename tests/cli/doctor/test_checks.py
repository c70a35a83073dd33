import importlib.metadata
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from helpers.other_pythons import pretend_python
from helpers.video_tools import fake_ffmpeg, hide

from emorec import installation, resources
from emorec.cli.doctor import checks as module
from emorec.cli.doctor.check import NOTE, OK, WRONG, Check
from emorec.cli.doctor.checks import checks
from emorec.detection.registry import DETECTORS
from emorec.installation import install_command
from emorec.models import files, registry


def found(deep: bool = False) -> dict[tuple[str, str], Check]:
    """The checks of doctor, by group and name."""
    return {(check.group, check.name): check for check in checks(deep)}


def test_a_healthy_installation():
    results = found()
    assert {check.state for check in results.values()} <= {OK, NOTE}
    assert results["OpenCV", "import"].found.startswith(cv2.__version__)
    assert results["ONNX Runtime", "shipped model"].state == OK
    alt = results["files", "alt"].found
    assert alt.endswith(registry.hash_of(Path(alt.partition(",")[0])))
    assert results["files", "yunet"].state == OK


# OpenCV and ONNX Runtime


def test_two_opencv_wheels(installed):
    installed["opencv-python-headless"] = "4.12.0"
    check = found()["OpenCV", "packages"]
    assert check.state == WRONG
    assert check.found.startswith("opencv-python and opencv-python-headless are installed")
    assert check.fix.startswith("pip uninstall -y opencv-python opencv-python-headless && ")


def test_two_onnx_runtimes(installed):
    installed["onnxruntime-gpu"] = "1.20.1"
    check = found()["ONNX Runtime", "packages"]
    assert check.state == WRONG
    assert check.found.startswith("onnxruntime and onnxruntime-gpu are installed together")
    assert check.fix == (
        "pip uninstall -y onnxruntime onnxruntime-gpu && pip install onnxruntime-gpu, or another "
        "one of them"
    )


def test_the_device_in_use(monkeypatch):
    results = found()
    assert "CPUExecutionProvider" in results["ONNX Runtime", "providers"].found
    assert results["ONNX Runtime", "device"].found == "cpu (requested: auto)"
    monkeypatch.setenv("EMOREC_DEVICE", "cpu")
    assert found()["ONNX Runtime", "device"].found == "cpu (requested: cpu)"


@pytest.mark.parametrize("name", ["gpu", "cuda"])
def test_a_device_that_is_missing(monkeypatch, name):
    monkeypatch.setenv("EMOREC_DEVICE", name)
    results = found()
    device = results["ONNX Runtime", "device"]
    assert (device.state, name in device.found) == (WRONG, True)
    assert device.fix == "set EMOREC_DEVICE to a device that is available, or unset it"
    assert results["ONNX Runtime", "shipped model"].state == OK


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_an_accelerator_that_does_not_start(monkeypatch):
    listed = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr("emorec.inference.onnx_runtime.providers", lambda: listed)
    device = found()["ONNX Runtime", "device"]
    assert device.state == NOTE
    assert device.found == "cpu (requested: auto); cuda cannot be used"


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
    assert (check.state, check.found) == (WRONG, message)
    assert fix in check.fix


OPENCV_CLASSES = {e.opencv_class: e.name for e in DETECTORS.values() if e.opencv_class}


@pytest.mark.parametrize("name", OPENCV_CLASSES)
def test_an_opencv_without_the_class_of_a_detector(monkeypatch, name):
    assert found()["OpenCV", name].found == f"available, for --detector {OPENCV_CLASSES[name]}"
    monkeypatch.delattr(cv2, name)
    check = found()["OpenCV", name]
    assert check.state == WRONG
    assert check.found == f"missing, so --detector {OPENCV_CLASSES[name]} cannot run"
    assert check.fix.endswith('pip install "opencv-python>=4.12,<5"')


# Requirements


@pytest.mark.parametrize(
    ("name", "version", "state"),
    [
        ("numpy", "1.26", OK),
        ("numpy", "1.25.9", WRONG),
        ("numpy", "2.3.0+local", OK),
        ("numpy", "1.26rc1", WRONG),
        ("numpy", "unknown", WRONG),
        ("numpy", None, WRONG),
        ("opencv-python", "4.9", WRONG),
        ("opencv-python", "5", WRONG),
        ("opencv-python", "5.0.0", WRONG),
        ("opencv-python", "4.15.0rc1", OK),
    ],
)
def test_versions(installed, name, version, state):
    del installed[name]
    if version:
        installed[name] = version
    check = found()["packages", name]
    assert check.state == state
    assert ("pip install" in check.fix) == (state == WRONG)
    assert bool(check.fix) == (state == WRONG)


def test_a_version_that_does_not_satisfy_the_requirement(installed):
    installed["opencv-python"] = "5.0.0"
    check = found()["packages", "opencv-python"]
    assert check.found == "5.0.0; emorec requires <5,>=4.12"
    assert check.fix == "pip install 'opencv-python<5,>=4.12'"


def test_the_headless_wheel_alone_is_fine(installed):
    installed["opencv-python-headless"] = installed.pop("opencv-python")
    check = found()["packages", "opencv-python"]
    assert (check.state, check.found) == (OK, "4.14.0.94 (opencv-python-headless)")


@pytest.mark.parametrize(
    ("requirement", "name", "version", "expected"),
    [
        ("numpydoc", "numpydoc", None, (WRONG, install_command())),
        ("numpydoc", "numpydoc", "1", (OK, "")),
        ("PyYAML (>=6)", "pyyaml", "5", (WRONG, "pip install 'pyyaml>=6'")),
        ("Py_YAML>=6", "py-yaml", "6.0", (OK, "")),
        ('keras<4,>=3.13; extra == "train"', "keras", None, (NOTE, install_command("train"))),
        ("keras~=3.13; extra == 'train'", "keras", "4.0", (WRONG, "pip install 'keras~=3.13'")),
        ('ray>=2.40; python_version > "3" and extra == "ray"', "ray", "2.40", (OK, "")),
        ('ray>=2.40; python_version < "3" and extra == "ray"', "ray", None, None),
        ('winreg; sys_platform == "nowhere"', "winreg", None, None),
        ('pytest>=8; extra == "dev"', "pytest", None, None),
        ('emorec[train]; extra == "dev"', "emorec", None, None),
        ('matplotlib; extra == "plots"', "matplotlib", None, (NOTE, install_command("plots"))),
    ],
)
def test_requirements(installed, require, requirement, name, version, expected):
    require(requirement)
    if version:
        installed[name] = version
    check = found().get(("packages", name))
    assert (check and (check.state, check.fix)) == expected


def test_without_metadata_the_requirements_are_unknown(monkeypatch):
    def requires(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", requires)
    monkeypatch.setattr(installation, "_PACKAGE", Path("/nowhere/emorec"))
    assert found()["packages", "emorec"].state == NOTE


# Files


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch):
    model = tmp_path / "models" / "emorec-compact.onnx"
    model.parent.mkdir()
    model.write_bytes(b"damaged")
    sums = (resources.shipped_model().parent / registry.SUMS).read_text()
    (model.parent / registry.SUMS).write_text(sums)
    monkeypatch.setattr(resources, "shipped_model", lambda: model)
    results = found()
    damaged = results["files", "emorec-compact"]
    assert (damaged.state, damaged.fix) == (WRONG, registry.shipped()[0].fix)
    assert "pip install --force-reinstall" in damaged.fix
    assert results["files", "emorec-compact.keras"].found == "missing"
    assert results["ONNX Runtime", "shipped model"].state == WRONG


def test_a_pulled_file_that_is_gone_is_a_note(tmp_path: Path, monkeypatch):
    address = "hf://owner/repo/extra.onnx"
    extra = registry.ModelFile(
        address, registry.EMOTIONS, tmp_path / "extra.onnx", "0" * 64, address=address
    )
    monkeypatch.setattr(files, "pulled_models", lambda: [extra])
    check = found()["files", address]
    assert (check.state, check.fix) == (
        NOTE,
        f"fetch it again with: emorec models pull {address}",
    )
    extra.path.write_bytes(b"damaged")
    assert found()["files", address].state == WRONG


# Accelerators and devices


def test_deep_lists_the_devices_of_the_installed_backends(installed, monkeypatch):
    programs = {"torch": "print('cpu', 'a  card')", "jax": "raise SystemExit('no driver')"}
    monkeypatch.setattr(module, "_DEEP", programs)
    assert ("devices", "torch") not in found(deep=True)
    installed |= {"torch": "2.9", "jax": "0.8"}
    assert ("devices", "torch") not in found()
    results = found(deep=True)
    assert results["devices", "torch"].found == "cpu a card"
    jax = results["devices", "jax"]
    assert (jax.state, jax.found) == (WRONG, "no driver")


def test_a_card_is_listed_by_nvidia_smi(monkeypatch, tmp_path: Path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho 'Some Card, 8192 MiB'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert found()["accelerators", "nvidia"].found == "Some Card, 8192 MiB"
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert found()["accelerators", "nvidia"].state == NOTE


def test_the_setting_of_onednn_is_shown_where_tensorflow_is_installed(installed, monkeypatch):
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    assert ("accelerators", "oneDNN") not in found()
    installed["tensorflow"] = "2.21.0"
    expected = "TF_ENABLE_ONEDNN_OPTS=0 of the environment"
    assert found()["accelerators", "oneDNN"] == Check("accelerators", "oneDNN", OK, expected)
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert ("accelerators", "oneDNN") not in found()


def test_the_programs_that_list_devices_are_python():
    for program in module._DEEP.values():
        compile(program, "deep", "exec")


@pytest.mark.slow
def test_tensorflow_lists_its_devices():
    program = module._DEEP["tensorflow"]
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "CPU" in done.stdout


# Tools


@pytest.mark.parametrize(
    ("encoders", "av", "state", "text"),
    [
        ("libx264", False, OK, "annotated videos are H.264, by libx264 of ffmpeg"),
        ("mpeg4", True, OK, "annotated videos are H.264, by libx264 of PyAV"),
        ("mpeg4", False, NOTE, "annotated videos are MPEG-4, which browsers do not play"),
        (
            None,
            False,
            NOTE,
            "annotated videos are MPEG-4, which browsers do not play, and have no sound",
        ),
    ],
)
def test_what_encodes_videos(tmp_path: Path, monkeypatch, encoders, av, state, text):
    if encoders is not None:
        fake_ffmpeg(monkeypatch, tmp_path / "bin", "exit", encoders)
    hide(monkeypatch, ffmpeg=encoders is None, av=not av)
    check = {check.name: check for check in module._tools()}["video"]
    assert (check.state, check.found) == (state, text)
    assert ("install ffmpeg" in check.fix) == (state == NOTE)


def test_a_python_without_tensorflow(monkeypatch, require):
    require("tensorflow>=2.19; python_version < '3.14' and extra == 'train'")
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    pretend_python(monkeypatch, 14)
    results = found()
    assert ("packages", "tensorflow") not in results
    check = results["accelerators", "tensorflow"]
    assert check.state == NOTE
    assert check.fix.startswith(
        "training needs Python 3.11 to 3.13: tensorflow has no wheel for 3.14; "
    )
