"""The command `emorec app`; tests/app/test_server.py runs it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from emorec import installation
from emorec.app import server
from emorec.cli.main import main


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The settings with which the app would be served."""
    calls: list[Any] = []

    def serve(settings, ready):
        calls.append(settings)
        ready(f"http://127.0.0.1:8765/?token={settings.token}")

    monkeypatch.setattr(server, "serve", serve)
    monkeypatch.setattr("webbrowser.open", calls.append)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return calls


def test_the_address_is_printed(served: list):
    done = CliRunner().invoke(main, ["app"])
    (settings,) = served
    assert done.stdout == f"http://127.0.0.1:8765/?token={settings.token}\n"
    assert done.stderr == "note: press Ctrl-C to end\n"
    assert (settings.host, settings.port, settings.with_page) == ("127.0.0.1", None, True)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is no DISPLAY")
@pytest.mark.parametrize(
    ("options", "opened"), [([], True), (["--no-browser"], False), (["--no-page"], False)]
)
def test_the_browser_opens(served: list, monkeypatch, options: list[str], opened: bool):
    monkeypatch.setenv("DISPLAY", ":0")
    CliRunner().invoke(main, ["app", *options])
    assert [isinstance(call, str) for call in served] == [False, True][: 1 + opened]


def test_without_page(served: list):
    done = CliRunner().invoke(main, ["app", "--no-page"])
    assert done.stdout == f"http://127.0.0.1:8765/api/v1\ntoken: {served[0].token}\n"
    token = "0123456789abcdef"
    done = CliRunner().invoke(main, ["app", "--no-page"], env={"EMOREC_APP_TOKEN": token})
    assert done.stdout == "http://127.0.0.1:8765/api/v1\n"
    assert served[1].token == token


def test_json_is_for_scripts(served: list, tmp_path: Path):
    done = CliRunner().invoke(main, ["app", "--no-page", "--json"])
    expected = {
        "address": f"http://127.0.0.1:8765/?token={served[0].token}",
        "api": "http://127.0.0.1:8765/api/v1",
        "token": served[0].token,
    }
    assert json.loads(done.stdout) == expected
    token = "0123456789abcdef"
    file = tmp_path / "app.json"
    done = CliRunner().invoke(main, ["app", "--token", token, "--json-file", str(file)])
    assert done.stdout == f"http://127.0.0.1:8765/?token={token}\n"
    assert json.loads(file.read_text())["token"] == token


@pytest.mark.parametrize(
    ("host", "warns"),
    [("127.0.0.1", 0), ("127.0.0.2", 0), ("localhost", 0), ("::1", 0), ("0.0.0.0", 1), ("me", 1)],
)
def test_another_host_warns(served: list, host: str, warns: int):
    done = CliRunner().invoke(main, ["app", "--host", host, "--port", "80"])
    assert done.stderr.count("warning: ") == done.stderr.count("no TLS") == warns
    assert (served[0].host, served[0].port) == (host, 80)


def test_options(served: list):
    CliRunner().invoke(main, ["app", "--model", "emorec-nano", "--max-video", "0.5"])
    assert served[0].model.name == "emorec-nano.onnx"
    assert served[0].limits.video_bytes == 2**29


@pytest.mark.parametrize(
    ("options", "code", "text"),
    [
        (["--token", "short"], 2, "at least 16 ASCII characters"),
        (["--token", "0123456789 abcdef"], 2, "no blanks"),
        (["--port", "99999"], 2, "99999"),
        (["--model", "nothing"], 5, "no such model file"),
        (["--max-video", "0"], 2, "--max-video"),
        (["photo.jpg"], 2, "unexpected extra argument"),
    ],
)
def test_wrong_options(served: list, options: list[str], code: int, text: str):
    done = CliRunner().invoke(main, ["app", *options])
    assert (done.exit_code, served) == (code, [])
    assert text in done.stderr


def test_the_extra_is_named_if_it_is_missing(monkeypatch: pytest.MonkeyPatch):
    missing = ModuleNotFoundError("No module named 'starlette'", name="starlette")

    class Hidden:
        """Stands in for a module whose import fails."""

        def __getattr__(self, name: str):
            raise missing

    monkeypatch.setitem(sys.modules, "emorec.app.server", Hidden())
    monkeypatch.setattr(installation, "requirements", lambda: ['starlette; extra == "app"'])
    done = CliRunner().invoke(main, ["app"])
    assert done.exit_code == 6
    assert "this command needs the package 'starlette'; install it with: " in done.stderr
    assert ".[app]" in done.stderr
