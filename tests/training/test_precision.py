from pathlib import Path

import pytest

from emorec.training import precision as module
from emorec.training.precision import resolve_precision

PROCESSORS = {
    "flags : fpu avx2 avx512f": "float32",
    "flags : fpu avx512_bf16 avx512_vbmi": "bfloat16",
    "flags : amx_tile amx_bf16": "bfloat16",
    "": "float32",
}


def resolved(
    precision: str, description: Path, monkeypatch: pytest.MonkeyPatch, on_cpu: bool = True
) -> str:
    monkeypatch.setattr(module, "_CPU_DESCRIPTION", description)
    monkeypatch.setattr(module, "trains_on_cpu", lambda: on_cpu)
    return resolve_precision(precision)


@pytest.mark.parametrize("flags", PROCESSORS)
def test_auto_follows_the_processor(
    flags: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = tmp_path / "cpuinfo"
    description.write_text(f"processor : 0\n{flags}\nbugs : none\n")
    assert resolved("auto", description, monkeypatch) == PROCESSORS[flags]
    assert resolved("auto", description, monkeypatch, on_cpu=False) == "float32"
    for precision in ("float32", "bfloat16"):
        assert resolved(precision, description, monkeypatch) == precision


def test_auto_without_a_description_of_the_processor_is_float32(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert resolved("auto", tmp_path / "absent", monkeypatch) == "float32"
