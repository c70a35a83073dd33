"""Reads the instruction sets of the processor."""

from pathlib import Path

_CPU_DESCRIPTION = Path("/proc/cpuinfo")


def processor_flags() -> set[str]:
    """Return the words in the description of the processor, e.g. "avx2"; empty outside Linux."""
    try:
        return set(_CPU_DESCRIPTION.read_text("utf-8").split())
    except OSError:
        return set()
