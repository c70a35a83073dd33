"""Chooses the arithmetic of a run."""

from pathlib import Path

from emorec.training.fast_layers import trains_on_cpu

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}
_CPU_DESCRIPTION = Path("/proc/cpuinfo")


def resolve_precision(precision: str) -> str:
    """Replace the precision "auto" by "bfloat16" or "float32".

    bfloat16 is chosen where TensorFlow trains on a processor whose instructions for it are listed
    by Linux; there plain convolutions train faster in it.
    """
    if precision != "auto":
        return precision
    try:
        flags = set(_CPU_DESCRIPTION.read_text().split()) if trains_on_cpu() else set()
    except OSError:
        flags = set()
    return "bfloat16" if flags & _BFLOAT16_FLAGS else "float32"
