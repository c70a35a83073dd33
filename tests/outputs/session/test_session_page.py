import json
import re
from pathlib import Path

from helpers.example_records import ExampleModel
from helpers.example_sessions import HAPPY, SAD, record, shots
from helpers.html_page import Page

from emorec.outputs.session.derived_files import write_session_files
from emorec.outputs.session.session_file import Derivation
from emorec.outputs.session.session_page import LIMITS

HOSTILE = "</script><img src=x onerror=alert(1)>"


def data_of(text: str) -> dict:
    match = re.search(r'<script type="application/json" id="session">(.*?)</script>', text)
    assert match
    return json.loads(match[1])


def test_what_the_page_shows(one_video: Path):
    text = (one_video / "session.html").read_text()
    page = Page(re.sub(r"<(input|col)\b[^>]*>", "", text))
    assert LIMITS in page.text
    data = data_of(text)
    assert data["labels"] == ["happy", "sad"]
    assert data["colors"] == ["#f0e442", "#0072b2"]
    (video,) = data["videos"]
    assert (video["src"], video["fps"], video["size"]) == ("../a.avi", 10, [64, 48])
    assert [person["name"] for person in video["people"]] == ["Anna", "a.avi-2"]
    assert [row[0] for row in data["people"]] == ["Anna", "a.avi-2"]


def test_it_loads_nothing_and_runs_one_script(one_video: Path):
    text = (one_video / "session.html").read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)
    assert policy
    assert policy[1].startswith("default-src 'none'; ")
    assert re.search(r"script-src 'sha256-[\w+/=]{44}'", policy[1])
    assert "connect-src" not in policy[1]
    assert not re.search(r"https?://|<link|@import|url\(", text)


def test_hostile_names_are_text(tmp_path: Path):
    derivation = Derivation(persons={(f"{HOSTILE[2:]}.avi", 1): HOSTILE})
    model = ExampleModel(labels=(HOSTILE, "sad"))
    name = f"{HOSTILE[2:].replace('/', '')}.avi"
    derivation = Derivation(persons={(name, 1): HOSTILE})
    record(tmp_path, {name: shots(10, {1: HAPPY})}, model=model, derivation=derivation)
    write_session_files(tmp_path)
    text = (tmp_path / "session.html").read_text()
    assert "<img" not in text
    assert text.count("</script>") == 2
    data = data_of(text)
    assert data["labels"][0] == HOSTILE
    assert data["videos"][0]["people"][0]["name"] == HOSTILE
    assert data["people"][0][0] == HOSTILE


def test_notes(tmp_path: Path):
    people = dict.fromkeys(range(1, 31), SAD)
    record(tmp_path, {"a.avi": shots(10, people)})
    path = tmp_path / "session.json"
    path.write_text(path.read_text().replace('"complete"', '"running"'))
    write_session_files(tmp_path)
    text = (tmp_path / "session.html").read_text()
    assert "was ended early" in text
    assert "6 persons" in text
