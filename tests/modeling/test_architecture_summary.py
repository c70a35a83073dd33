import json
from pathlib import Path

import pytest

from emorec.errors import ConfigError, EmorecError
from emorec.modeling import architecture_summary as module
from emorec.modeling.architecture_summary import (
    SUMMARIES_PATH,
    architecture_summaries,
    architecture_summary,
)


def test_the_file_names_the_command_that_writes_it() -> None:
    found = json.loads(SUMMARIES_PATH.read_text("utf-8"))
    assert found["command"] == "python scripts/measure_architectures.py"
    root = Path(__file__).resolve().parents[2]
    assert (root / found["command"].split()[1]).is_file()


@pytest.mark.parametrize("name", ["compact", "Compact", "VGG16"])
def test_a_name_in_any_case(name: str) -> None:
    assert architecture_summary(name).name == name.lower()


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "unknown architecture ''; choose one of compact, nano, "),
        ("vgg61", "unknown architecture 'vgg61'; did you mean 'vgg16'\\? choose one of compact, "),
    ],
)
def test_an_unknown_name(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        architecture_summary(name)


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"architectures": [{"name": "x"}]}'])
def test_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    path = tmp_path / "architectures.json"
    monkeypatch.setattr(module, "SUMMARIES_PATH", path)
    architecture_summaries.cache_clear()
    if text is not None:
        path.write_text(text)
    with pytest.raises(EmorecError, match=r"architectures\.json: .*; reinstall emorec"):
        architecture_summaries()
