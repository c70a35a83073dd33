"""The precision that a configuration leaves open."""

from pathlib import Path

import pytest

from emorec.training import setup
from emorec.training.config import TrainConfig
from emorec.training.setup import resolve_precision

PROCESSORS = {
    "flags : fpu avx2 avx512f": "float32",
    "flags : fpu avx512_bf16 avx512_vbmi": "bfloat16",
    "flags : amx_tile amx_bf16": "bfloat16",
    "": "float32",
}


def asked(
    precision: str, description: Path, monkeypatch: pytest.MonkeyPatch, on_cpu: bool = True
) -> str:
    monkeypatch.setattr(setup, "_CPU_DESCRIPTION", description)
    monkeypatch.setattr(setup, "trains_on_cpu", lambda: on_cpu)
    return resolve_precision(TrainConfig(precision=precision)).precision


@pytest.mark.parametrize("flags", PROCESSORS)
def test_auto_follows_the_processor(
    flags: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = tmp_path / "cpuinfo"
    description.write_text(f"processor : 0\n{flags}\nbugs : none\n")
    assert asked("auto", description, monkeypatch) == PROCESSORS[flags]
    assert asked("auto", description, monkeypatch, on_cpu=False) == "float32"
    for precision in ("float32", "bfloat16"):
        assert asked(precision, description, monkeypatch) == precision


def test_auto_where_the_system_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert asked("auto", tmp_path / "absent", monkeypatch) == "float32"
