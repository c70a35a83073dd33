"""The page is served, and errors are answered as JSON."""

import pytest

from emorec.app.application import STATIC
from emorec.app.guard import HEADERS


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/labels", "text/html"),
        ("/static/app.css", "text/css"),
        ("/static/main.js", "text/javascript"),
    ],
)
def test_the_page(client, path: str, kind: str):
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(kind)


@pytest.mark.parametrize(
    "path", ["/static/../server.py", "/static/%2e%2e/server.py", "/static/", "/x"]
)
def test_nothing_else_is_served(client, path: str):
    answer = client.get(path)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "not_found")


def test_without_page(make_client):
    client = make_client(page=False)
    assert client.get("/").status_code == 404
    assert client.get("/static/app.css").status_code == 404
    assert client.get("/api/v1/health").status_code == 200


def test_a_bug_is_an_answer_with_all_headers(client, monkeypatch: pytest.MonkeyPatch):
    def fail():
        raise ZeroDivisionError("secret")

    monkeypatch.setattr("emorec.app.rest_api.describe_models", fail)
    answer = client.get("/api/v1/models")
    assert answer.status_code == 500
    assert answer.json()["error"]["kind"] == "bug"
    assert "secret" not in answer.text
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS


def test_the_page_names_no_other_host():
    """It works offline, and its policy forbids inline scripts and styles."""
    files = [path for path in STATIC.rglob("*") if path.is_file()]
    assert len(files) > 5
    for path in files:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path
        assert "innerHTML" not in text, path
        if path.suffix == ".html":
            assert "<style" not in text
            assert " style=" not in text
            assert " on" + "click" not in text
            assert text.count("<script") == text.count('<script type="module" src=') + text.count(
                "<script src="
            )
