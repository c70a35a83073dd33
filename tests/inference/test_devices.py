import importlib.metadata
import platform

import pytest

from emorec.errors import ConfigError, MissingDependencyError
from emorec.inference.devices import (
    AUTO,
    DEVICE_NAMES,
    DEVICE_VARIABLE,
    DEVICES,
    choose_device,
    installed_wheels,
    replace_command,
    requested_device,
)

CPU_WHEEL = ["AzureExecutionProvider", "CPUExecutionProvider"]
MACOS_WHEEL = ["CoreMLExecutionProvider", *CPU_WHEEL]
CUDA_WHEEL = ["TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider"]
DIRECTML_WHEEL = ["DmlExecutionProvider", "CPUExecutionProvider"]
OPENVINO_WHEEL = ["OpenVINOExecutionProvider", "CPUExecutionProvider"]


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DEVICE_VARIABLE, raising=False)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The distributions that appear to be installed."""
    names = ["onnxruntime"]

    def version(name: str) -> str:
        if name not in names:
            raise importlib.metadata.PackageNotFoundError(name)
        return "1.30"

    monkeypatch.setattr(importlib.metadata, "version", version)
    return names


# The requested device


def test_the_parameter_comes_before_the_variable(monkeypatch):
    assert requested_device(None) == AUTO
    monkeypatch.setenv(DEVICE_VARIABLE, "")
    assert requested_device(None) == AUTO
    monkeypatch.setenv(DEVICE_VARIABLE, "cuda")
    assert requested_device(None) == "cuda"
    assert requested_device("cpu") == "cpu"
    assert requested_device(AUTO) == AUTO


def test_unknown_devices(monkeypatch):
    with pytest.raises(ConfigError, match="unknown device 'cud'; choose") as caught:
        requested_device("cud")
    assert all(name in str(caught.value) for name in DEVICE_NAMES)
    monkeypatch.setenv(DEVICE_VARIABLE, "gpu")
    with pytest.raises(ConfigError, match="EMOREC_DEVICE: unknown device 'gpu'; choose one of"):
        requested_device(None)


# The device in use


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        (CPU_WHEEL, "cpu"),
        (MACOS_WHEEL, "cpu"),
        (CUDA_WHEEL, "cuda"),
        (DIRECTML_WHEEL, "directml"),
        (OPENVINO_WHEEL, "cpu"),
    ],
)
def test_auto(listed, expected):
    assert choose_device(AUTO, listed).name == expected
    assert choose_device(AUTO, listed[::-1]).name == expected


@pytest.mark.parametrize("name", DEVICES)
def test_a_listed_device_is_chosen_on_any_system(name):
    everything = [device.provider for device in DEVICES.values()]
    assert choose_device(name, everything) is DEVICES[name]


@pytest.mark.parametrize(
    ("name", "system", "wheel"),
    [
        ("cuda", "Linux", "'onnxruntime-gpu[cuda,cudnn]'"),
        ("tensorrt", "Windows", "'onnxruntime-gpu[cuda,cudnn]'"),
        ("openvino", "Linux", "onnxruntime-openvino"),
        ("directml", "Windows", "onnxruntime-directml"),
        ("coreml", "Darwin", "onnxruntime"),
    ],
)
def test_a_device_that_is_not_listed_names_the_wheel(monkeypatch, installed, name, system, wheel):
    monkeypatch.setattr(platform, "system", lambda: system)
    with pytest.raises(MissingDependencyError) as caught:
        choose_device(name, CPU_WHEEL)
    message = str(caught.value)
    assert f"needs the {DEVICES[name].provider} of ONNX Runtime, and onnxruntime has" in message
    assert f"pip uninstall -y onnxruntime && pip install {wheel} (" in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("name", "system"),
    [("cuda", "Darwin"), ("coreml", "Linux"), ("directml", "Linux"), ("openvino", "Darwin")],
)
def test_a_device_of_another_system(monkeypatch, name, system):
    monkeypatch.setattr(platform, "system", lambda: system)
    with pytest.raises(ConfigError, match=f"{DEVICES[name].systems[0]}.* only, and this is"):
        choose_device(name, CPU_WHEEL)


def test_all_installed_wheels_are_replaced(installed):
    assert installed_wheels() == ["onnxruntime"]
    installed += ["onnxruntime-openvino", "onnxruntime-gpu"]
    assert installed_wheels() == ["onnxruntime", "onnxruntime-gpu", "onnxruntime-openvino"]
    assert replace_command("onnxruntime") == (
        "pip uninstall -y onnxruntime onnxruntime-gpu onnxruntime-openvino && "
        "pip install onnxruntime"
    )
