"""The devices that can run a model: execution providers of ONNX Runtime, and their wheels."""

import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass

from emorec.environment import DEVICE_VARIABLE
from emorec.errors import ConfigError, MissingDependencyError
from emorec.installation import pip_command

AUTO = "auto"


@dataclass(frozen=True)
class Device:
    """A device, by the execution provider of ONNX Runtime that drives it.

    Attributes:
        name: Its name, e.g. "cuda".
        provider: The execution provider.
        wheel: The wheel of ONNX Runtime that has the provider, as pip takes it.
        systems: Where it exists, as `platform.system` names them; empty is everywhere.
        fallbacks: Providers for the operators that `provider` lacks, before the CPU's.
        options: Names and values of options of the provider.
        threads_option: Name of its option for the threads of one call; "" if it has none, or uses
            those of the session.
        automatic: Whether "auto" chooses it if the installed wheel has it.
        needs_cuda_libraries: Whether CUDA and cuDNN are loaded first.
        thread_safe: Whether several threads may run one session at the same time.
    """

    name: str
    provider: str
    wheel: str
    systems: tuple[str, ...] = ()
    fallbacks: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    threads_option: str = ""
    automatic: bool = False
    needs_cuda_libraries: bool = False
    thread_safe: bool = True


_CPU = Device("cpu", "CPUExecutionProvider", "onnxruntime")
_CUDA_WHEEL = "'onnxruntime-gpu[cuda,cudnn]'"

# CoreML is not automatic, as every wheel for macOS has it, nor TensorRT, which every wheel for CUDA
# lists and which builds engines for minutes.
DEVICES = {
    device.name: device
    for device in (
        _CPU,
        Device(
            "cuda",
            "CUDAExecutionProvider",
            _CUDA_WHEEL,
            ("Linux", "Windows"),
            automatic=True,
            needs_cuda_libraries=True,
        ),
        Device("coreml", "CoreMLExecutionProvider", "onnxruntime", ("Darwin",)),
        Device(
            "directml",
            "DmlExecutionProvider",
            "onnxruntime-directml",
            ("Windows",),
            automatic=True,
            thread_safe=False,
        ),
        Device(
            "openvino",
            "OpenVINOExecutionProvider",
            "onnxruntime-openvino",
            ("Linux", "Windows"),
            options=(("device_type", "CPU"),),
            threads_option="num_of_threads",
        ),
        Device(
            "tensorrt",
            "TensorrtExecutionProvider",
            _CUDA_WHEEL,
            ("Linux", "Windows"),
            fallbacks=("CUDAExecutionProvider",),
            needs_cuda_libraries=True,
        ),
    )
}

DEVICE_NAMES = (AUTO, *DEVICES)

WHEELS = (
    "onnxruntime",
    "onnxruntime-gpu",
    "onnxruntime-directml",
    "onnxruntime-openvino",
    "onnxruntime-migraphx",
    "onnxruntime-qnn",
    "onnxruntime-rocm",
    "onnxruntime-silicon",
    "onnxruntime-training",
)
"""Distributions that install the module onnxruntime; of two, one overwrites files of the other."""


def requested_device(name: str | None) -> str:
    """Return the device that is requested: `name`, or that of EMOREC_DEVICE, or "auto".

    Raises:
        ConfigError: There is no such device.
    """
    place = ""
    if name is None:
        name, place = os.environ.get(DEVICE_VARIABLE) or AUTO, f"{DEVICE_VARIABLE}: "
    if name not in DEVICE_NAMES:
        # Without the most similar name: for "gpu" that is "cpu".
        known = ", ".join(DEVICE_NAMES)
        raise ConfigError(f"{place}unknown device {name!r:.60}; choose one of {known}")
    return name


def choose_device(name: str, listed: Sequence[str]) -> Device:
    """Return the device of a name from `requested_device`.

    Args:
        name: One of `DEVICE_NAMES`. "auto" is the first of `DEVICES` that is `automatic` and
            listed, or else the CPU.
        listed: The execution providers that the installed ONNX Runtime lists.

    Raises:
        ConfigError: The device does not exist on this operating system.
        MissingDependencyError: The installed wheel lacks its provider.
    """
    if name == AUTO:
        found = (d for d in DEVICES.values() if d.automatic and d.provider in listed)
        return next(found, _CPU)
    device = DEVICES[name]
    if device.provider in listed:
        return device
    system = platform.system()
    if device.systems and system not in device.systems:
        raise ConfigError(
            f"the device {name} exists on {' and '.join(device.systems)} only, and this is "
            f"{system}; choose auto or cpu"
        )
    raise MissingDependencyError(
        f"the device {name} needs the {device.provider} of ONNX Runtime, and "
        f"{' and '.join(installed_wheels()) or 'the installed one'} has only {', '.join(listed)}; "
        f"replace it with: {replace_command(device.wheel)} (two wheels of ONNX Runtime must not be "
        "installed together)"
    )


def replace_command(wheel: str) -> str:
    """Return the command that replaces all installed wheels of ONNX Runtime by one."""
    installed = " ".join(installed_wheels())
    pip = pip_command()
    return f"{pip} uninstall -y {installed or WHEELS[0]} && {pip} install {wheel}"


def installed_wheels() -> list[str]:
    """Return which of `WHEELS` are installed."""
    import importlib.metadata  # slow to import; only errors and doctor need it

    found = []
    for name in WHEELS:
        try:
            importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        found.append(name)
    return found
