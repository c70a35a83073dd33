"""Import of ONNX Runtime without its telemetry, and sessions on a device.

ONNX Runtime 1.32 reads ORT_DISABLE_TELEMETRY while it is imported. Without it, each run writes to
`~/.cache/Microsoft/DeveloperTools` and looks up a telemetry host, and warns if the home folder is
not writable.
"""

import logging
import os
from pathlib import Path

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

from emorec.errors import MissingDependencyError
from emorec.inference.devices import AUTO, DEVICES, Device, choose_device

__all__ = ["onnxruntime", "open_session", "providers"]

_log = logging.getLogger(__name__)

_WARNING, _FATAL = 2, 4
"""Severities of ONNX Runtime's log; the first is its default."""


def providers() -> list[str]:
    """List the execution providers that the installed ONNX Runtime has."""
    return list(onnxruntime.get_available_providers())


def open_session(
    data: bytes, options: "onnxruntime.SessionOptions", requested: str
) -> tuple["onnxruntime.InferenceSession", Device]:
    """Make a session of a model on a device.

    If "auto" chose an accelerator that cannot be used, a warning is logged and the CPU used. Any
    other device is used or an error: ONNX Runtime itself would use the CPU without saying so.

    Args:
        data: The bytes of an ONNX file.
        options: Options of the session.
        requested: From `requested_device`.

    Returns:
        The session, and the device that it uses.

    Raises:
        ConfigError: As for `choose_device`.
        MissingDependencyError: The provider is not in the installed wheel, or cannot be used.
        Exception: ONNX Runtime cannot load the model on any device.
    """
    device, cpu = choose_device(requested, providers()), DEVICES["cpu"]
    try:
        session = _open_on(device, data, options)
    except Exception as error:  # ONNX Runtime's errors have no common base class
        if device is cpu:
            raise
        session = _open_on(cpu, data, options)  # fails for a broken model
        reason = " ".join(str(error).split())
        if requested != AUTO:
            raise MissingDependencyError(
                f"the device {device.name} cannot be used: {reason}; see docs/devices.md, or "
                "choose the device cpu"
            ) from error
        _log.warning("the CPU is used, as the device %s cannot be: %s", device.name, reason)
        device = cpu
    _log.info("device %s: %s of ONNX Runtime", device.name, ", ".join(session.get_providers()))
    return session, device


def _open_on(
    device: Device, data: bytes, options: "onnxruntime.SessionOptions"
) -> "onnxruntime.InferenceSession":
    if device.needs_cuda_libraries:
        _load_cuda_libraries()
    names = dict.fromkeys((device.provider, *device.fallbacks, DEVICES["cpu"].provider))
    settings: list[dict[str, str]] = [{} for _ in names]
    settings[0].update(device.options)
    if device.threads_option and options.intra_op_num_threads:
        settings[0][device.threads_option] = str(options.intra_op_num_threads)
    # Of a provider that does not start, ONNX Runtime logs several lines; the error below is one.
    onnxruntime.set_default_logger_severity(_FATAL)
    try:
        # With its own fallback, it prints to standard output and continues without the provider,
        # here and whenever a call fails.
        session = onnxruntime.InferenceSession(
            data, options, providers=list(names), provider_options=settings, enable_fallback=0
        )
    finally:
        onnxruntime.set_default_logger_severity(_WARNING)
    used = session.get_providers()
    if used[0] != device.provider:
        raise MissingDependencyError(
            f"ONNX Runtime has the {device.provider}, but started only {', '.join(used)}; "
            f"{_missing_library(device) or 'the driver or libraries of the device are missing'}"
        )
    return session


def _missing_library(device: Device) -> str:
    """Return why the library of a provider cannot be loaded; "" if it can, or there is none."""
    import ctypes

    folder = Path(onnxruntime.__file__).parent / "capi"
    for path in folder.glob(f"*onnxruntime_providers_{device.name}.*"):
        try:
            ctypes.CDLL(str(path))
        except OSError as error:
            return str(error)
    return ""


def _load_cuda_libraries() -> None:
    """Load CUDA and cuDNN where pip installed them; ONNX Runtime searches the system alone."""
    from contextlib import redirect_stdout
    from io import StringIO

    if hasattr(onnxruntime, "preload_dlls"):  # since 1.21
        # It prints what is missing. Whether that matters, the session shows.
        with redirect_stdout(StringIO()):
            onnxruntime.preload_dlls()
