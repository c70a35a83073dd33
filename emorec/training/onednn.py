"""Decides, by architecture and processor, whether TensorFlow computes with oneDNN in a training.

On processors with AVX2 alone TensorFlow does not use oneDNN, with which most networks train faster.
TensorFlow reads the setting while it is imported, so this module imports neither it nor Keras.
"""

import functools
import os
import sys
from collections.abc import Set

from emorec.modeling.architecture_summary import architecture_summaries, architecture_summary
from emorec.training.processor import processor_flags

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"
"""Environment variable of TensorFlow: 1 turns oneDNN on, 0 off."""

_ON_BY_DEFAULT = {
    "avx512_vnni",
    "avx512_bf16",
    "avx_vnni",
    "amx_tile",
    "amx_int8",
    "amx_bf16",
}
"""Instructions with one of which TensorFlow uses oneDNN on Linux (IsMklEnabled in its
tensorflow/core/util/port.cc)."""

_SETTINGS = {"0": False, "false": False, "1": True, "true": True}
"""What TensorFlow understands; it ignores other values."""

_LEAST_SPEEDUP = 1.05
"""Measured speedups below this one are within the noise; the default is kept."""


def default_onednn(flags: Set[str]) -> bool | None:
    """Return whether TensorFlow uses oneDNN by default on a processor.

    Args:
        flags: Instruction sets of the processor, as Linux names them.

    Returns:
        None for a processor that emorec does not know: without AVX2, or outside Linux.
    """
    if flags & _ON_BY_DEFAULT:
        return True
    return False if "avx2" in flags else None


def chosen_onednn(arch: str, flags: Set[str]) -> bool | None:
    """Return whether oneDNN is used in the training of an architecture on a processor.

    A default that is on is kept. Otherwise the measured speedup of the architecture decides.

    Args:
        arch: Name of the architecture.
        flags: Instruction sets of the processor, as Linux names them.

    Returns:
        None where TensorFlow decides, on a processor that emorec does not know.

    Raises:
        ConfigError: No architecture has this name.
    """
    default = default_onednn(flags)
    if default is False:
        return (architecture_summary(arch).onednn_speedup or 0) >= _LEAST_SPEEDUP
    return default


@functools.cache
def configure_onednn(arch: str) -> str:
    """Turn oneDNN on for a training if that is faster, and describe the setting in use.

    A setting of the environment is kept. It must be called before TensorFlow is imported; later
    calls only describe.

    Args:
        arch: Name of the architecture.

    Returns:
        The setting in use; "" where Keras has another backend than TensorFlow.

    Raises:
        ConfigError: No architecture has this name.
    """
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return ""
    if VARIABLE in os.environ:
        return f"oneDNN: {VARIABLE}={os.environ[VARIABLE]} of the environment"
    if "tensorflow" in sys.modules:
        return "oneDNN: TensorFlow's default; TensorFlow was imported before the training began"
    flags = processor_flags()
    default, chosen = default_onednn(flags), chosen_onednn(arch, flags)
    if chosen == default:
        return f"oneDNN: {_DEFAULTS[default]}"
    os.environ[VARIABLE] = str(int(bool(chosen)))
    speedup = architecture_summary(arch).onednn_speedup
    return (
        f"oneDNN: on, with which {arch} trains about {speedup:.1f} times as fast; TensorFlow's "
        f"default on this processor is off ({VARIABLE}=0 restores it)"
    )


def uses_onednn() -> bool:
    """Return whether TensorFlow computes with oneDNN in this process, as far as emorec knows."""
    setting = os.environ.get(VARIABLE, "").lower()
    if setting in _SETTINGS:
        return _SETTINGS[setting]
    return bool(default_onednn(processor_flags()))


def onednn_description() -> str:
    """Describe whether trainings on this machine use oneDNN."""
    if VARIABLE in os.environ:
        return f"{VARIABLE}={os.environ[VARIABLE]} of the environment"
    flags = processor_flags()
    default = default_onednn(flags)
    text = _DEFAULTS[default]
    faster = [name for name in architecture_summaries() if chosen_onednn(name, flags)]
    if default is False and faster:
        return f"{text}; emorec train turns it on for {', '.join(faster)}"
    return text


_DEFAULTS = {
    True: "on, TensorFlow's default on this processor",
    False: "off, TensorFlow's default on this processor",
    None: "TensorFlow's default; emorec knows this processor too little to change it",
}
