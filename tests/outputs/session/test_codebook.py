import re
from pathlib import Path

import pytest
from helpers.example_records import LABELS
from helpers.example_sessions import NAMED

from emorec.outputs.session.codebook import render_codebook
from emorec.outputs.session.session_columns import TABLES, header
from emorec.outputs.session.session_file import Derivation, Session, SessionVideo

HOSTILE = ("a|b", "<script>")


def session(labels: tuple[str, ...] = LABELS, derivation: Derivation = NAMED) -> Session:
    video = SessionVideo("a.avi", "x/<b>|a.avi")
    return Session("complete", labels, {}, "", videos=(video,), derivation=derivation)


def tables(text: str) -> dict[str, list[str]]:
    """Return the names of the columns of each table, in order."""
    parts = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    found = {}
    for part in parts:
        name, _, body = part.partition("\n")
        found[name] = re.findall(r"^\| `(.+?)` \|", body, re.MULTILINE)
    return found


@pytest.mark.parametrize("derivation", [NAMED, Derivation(2.5, (1.0, 10.0))])
def test_every_table_with_exactly_its_columns(derivation: Derivation):
    found = tables(render_codebook(session(derivation=derivation)))
    baseline = derivation.baseline_s is not None
    for table in TABLES:
        assert found[table] == header(table, LABELS, baseline)


def test_every_file_of_a_session_is_described(one_video: Path):
    text = (one_video / "codebook.md").read_text()
    for path in one_video.iterdir():
        assert path.name in text or path.name == "codebook.md"


def test_settings_are_named():
    text = render_codebook(session(derivation=Derivation(2.5, (1.0, 10.0))))
    assert "Bins have 2.5 s" in text
    assert "baseline is 1 s to 10 s" in text


def test_hostile_names_stay_in_their_cells():
    text = render_codebook(session(labels=HOSTILE))
    assert "<script>" not in text
    assert "<b>" not in text
    for line in text.splitlines():
        if line.startswith("| `"):
            assert len(re.findall(r"(?<!\\)\|", line)) == 5
