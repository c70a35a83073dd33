import pytest

from emorec.training import precision as module
from emorec.training.precision import resolve_precision

PROCESSORS = {
    "fpu avx2 avx512f": "float32",
    "fpu avx512_bf16 avx512_vbmi": "bfloat16",
    "amx_tile amx_bf16": "bfloat16",
    "": "float32",
}


def resolved(
    precision: str, flags: str, monkeypatch: pytest.MonkeyPatch, on_cpu: bool = True
) -> str:
    monkeypatch.setattr(module, "processor_flags", lambda: set(flags.split()))
    monkeypatch.setattr(module, "trains_on_cpu", lambda: on_cpu)
    return resolve_precision(precision)


@pytest.mark.parametrize("flags", PROCESSORS)
def test_auto_follows_the_processor(flags: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolved("auto", flags, monkeypatch) == PROCESSORS[flags]
    assert resolved("auto", flags, monkeypatch, on_cpu=False) == "float32"
    for precision in ("float32", "bfloat16"):
        assert resolved(precision, flags, monkeypatch) == precision
