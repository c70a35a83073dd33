from pathlib import Path

import pytest

from emorec.training import processor as module
from emorec.training.processor import processor_flags


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", set()),
        ("processor : 0\nflags : fpu avx2\nbugs : none\n", {"fpu", "avx2"}),
        ("flags\t\t: fpu avx512_bf16\n\nflags\t\t: fpu avx512_bf16\n", {"fpu", "avx512_bf16"}),
    ],
)
def test_the_flags_of_a_processor(
    text: str, expected: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    description = tmp_path / "cpuinfo"
    description.write_text(text)
    monkeypatch.setattr(module, "_CPU_DESCRIPTION", description)
    words = {"processor", "0", ":", "flags", "bugs", "none"}
    assert processor_flags() - words == expected


def test_without_a_description_of_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_CPU_DESCRIPTION", tmp_path / "absent")
    assert processor_flags() == set()
