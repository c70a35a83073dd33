import time
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from emorec.errors import ConfigError
from emorec.training.strict_yaml import MAX_LENGTH, parse, read_label_map


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("3", 3),
        ("1e-3", "1e-3"),  # as in PyYAML
        ("1.0e-3", 0.001),
        ("[a, true, null]", ["a", True, None]),
        ("a: {b: 0.5}\nc: x", {"a": {"b": 0.5}, "c": "x"}),
        ("2020-13-45", "2020-13-45"),
        ("2020-01-02", "2020-01-02"),
        ("&a 3", 3),
    ],
)
def test_values(text, value):
    assert parse(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a 1\nb: *a", r"aliases such as \*a are not allowed"),
        ("*a", r"aliases such as \*a"),
        ("!!int foo", r"tags such as tag:yaml.org,2002:int are not allowed"),
        ("!!bool foo", "tags such as"),
        ("!!timestamp foo", "tags such as"),
        ("!!python/object/apply:os.system ['true']", "tags such as"),
        ("a: !!float x", "tags such as"),
        ("!x {}", "tags such as !x"),
        ("0b_", "'0b_' is not a number"),
        ("-0x_", "'-0x_' is not a number"),
        ("9" * 5000, "a number has more than 40 characters"),
        ("a: [1, " + "9" * 41 + "]", "a number has more than 40 characters"),
        ("[" * 20_000, "nested more than 20 levels"),
        ("[" * 20_000 + "]" * 20_000, "nested more than 20 levels"),
        ("{a: " * 30 + "1" + "}" * 30, "nested more than 20 levels"),
        ("- " * 30 + "1", "nested more than 20 levels"),
        ("x" * (MAX_LENGTH + 1), "at most 65536 are read"),
        ("a: 1\na: 2", "a key appears twice"),
        ("? [1]\n: 2", "unhashable"),
        ("a: [", "expected the node content"),
        ("a: \x00", "special characters"),
        ("a: \ud800", "special characters"),
        ("a: 1\n---\nb: 2", "expected a single document"),
        ("<<: 3", "mapping"),
        ("=", "could not determine a constructor"),
    ],
)
def test_other_texts(text, message):
    with pytest.raises(ValueError, match=message) as caught:
        parse(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


def test_an_alias_bomb_takes_no_time():
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    start = time.thread_time()
    with pytest.raises(ValueError, match="aliases"):
        parse("\n".join(levels))
    assert time.thread_time() - start < 0.5


@given(st.text(alphabet="ab01_.:-+ \n[]{}&*!|>'\"#%@,?~exonyft<=", max_size=40))
def test_any_text_is_parsed_as_by_yaml_or_refused(text):
    try:
        value = parse(text)
    except ValueError:
        return
    assert repr(value) == repr(yaml.safe_load(text))


def test_a_label_map(tmp_path: Path) -> None:
    path = tmp_path / "labels.yaml"
    path.write_text("# own: theirs\nsmile: happy\n'no': neutral\n")
    assert read_label_map(path) == {"smile": "happy", "no": "neutral"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a label map has a line for each label, .*; received nothing"),
        ("{}", "received nothing"),
        ("smile", "a label map has a line for each label"),
        ("- smile", "a label map has a line for each label"),
        ("smile:", "received None"),
        ("smile: 1", "received 1"),
        ("smile: [happy]", r"received \['happy'\]"),
        ("no: happy", "a label such as no or 1 needs quotes"),
        ("smile: happy\nsmile: sad", "a key appears twice"),
        ("a: &a happy\nb: *a", "aliases such as"),
        ("smile: " + "x" * MAX_LENGTH, f"at most {MAX_LENGTH} bytes are read"),
        ("smile: \ud800", "not a YAML file"),
    ],
)
def test_what_is_no_label_map(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "labels.yaml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    with pytest.raises(ConfigError, match=message) as caught:
        read_label_map(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_missing_label_map(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no\.yaml: cannot read: No such file"):
        read_label_map(tmp_path / "no.yaml")
