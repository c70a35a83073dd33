"""Chooses the arithmetic of a run."""

from emorec.training.fast_layers import trains_on_cpu
from emorec.training.processor import processor_flags

_BFLOAT16_FLAGS = {"avx512_bf16", "amx_bf16"}


def resolve_precision(precision: str) -> str:
    """Replace the precision "auto" by "bfloat16" or "float32".

    bfloat16 is chosen where TensorFlow trains on a processor whose instructions for it are listed
    by Linux; there plain convolutions train faster in it.
    """
    if precision != "auto":
        return precision
    fast = trains_on_cpu() and processor_flags() & _BFLOAT16_FLAGS
    return "bfloat16" if fast else "float32"
