import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from click.testing import CliRunner, Result
from helpers.onnx_models import METADATA, tiny_model, write_tiny_model
from onnx import helper

from emorec import resources
from emorec.cli.main import main
from emorec.metadata import COST_KEY, METADATA_KEY, ModelCost
from emorec.models import registry
from emorec.models.registry import hash_of


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch) -> Path:
    """An empty folder of fetched files."""
    folder = tmp_path / "data"
    monkeypatch.setenv(resources.CACHE_FOLDER_VARIABLE, str(folder))
    return folder


@pytest.fixture
def pinned(tmp_path: Path, monkeypatch) -> Path:
    """The source of a small file that can be fetched as "extra"."""
    source = tmp_path / "source.onnx"
    source.write_bytes(b"network")
    path = tmp_path / "data" / "models" / "extra.onnx"
    small = registry.ModelFile(
        "extra", registry.DETECTOR, path, hash_of(source), "MIT", "http://127.0.0.1:9/", 7
    )
    monkeypatch.setattr(registry, "fetchable", lambda: {"extra": small})
    return source


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["models", *arguments])


def test_the_list_shows_files_states_and_fixes(pinned: Path):
    result = run("list")
    assert result.exit_code == 0
    header, *rows = result.stdout.splitlines()
    assert header.split() == ["name", "kind", "size", "state", "file"]
    by_name = {row.split()[0]: row for row in rows[:-1]}
    assert {"emorec-compact", "alt", "alt2", "default", "yunet", "extra"} <= set(by_name)
    assert " ok " in by_name["alt"]
    assert " ok " in by_name["yunet"]
    assert rows[-1] == "extra: not fetched; fetch it with: emorec models pull extra"


def test_the_list_as_json(pinned: Path):
    run("pull", "extra", "--from", str(pinned))
    entries = json.loads(run("list", "--json").stdout)
    assert {entry["state"] for entry in entries} == {"ok"}
    assert entries[-1] == {
        "name": "extra",
        "kind": "face detector",
        "path": str(registry.fetchable()["extra"].path),
        "size": 7,
        "sha256": hash_of(pinned),
        "state": "ok",
        "fix": None,
    }


def test_the_shipped_model_is_the_default():
    card = json.loads(run("show", "--json").stdout)
    assert card["path"] == str(resources.shipped_model())
    assert card["sha256"] == hash_of(resources.shipped_model())
    assert card["labels"][0] == "angry"
    assert json.loads(run("show", "emorec-compact", "--json").stdout) == card


def test_a_model_file_and_a_run_folder(tmp_path: Path):
    model = tiny_model(METADATA.replaced(prior=(0.3, *[0.1] * 7), default_prior=0.25))
    cost = ModelCost(parameters=1234, multiply_adds=56789)
    entries = {entry.key: entry.value for entry in model.metadata_props}
    helper.set_model_props(model, {METADATA_KEY: entries[METADATA_KEY], COST_KEY: cost.to_json()})
    path = tmp_path / "run" / "model.onnx"
    path.parent.mkdir()
    onnx.save(model, path)
    result = run("show", str(path))
    assert result.exit_code == 0
    card = {line[:14].rstrip(): line[15:] for line in result.stdout.splitlines()}
    assert card["name"] == "tiny"
    assert card["labels"].startswith("angry, disgust, ")
    assert card["input"] == "48 x 48, gray, 0..255"
    assert (card["parameters"], card["multiply adds"]) == ("1,234", "56,789")
    assert card["temperature"] == "2.0"
    assert card["prior"].startswith("angry 30.0%, disgust 10.0%")
    assert card["sha256"] == hash_of(path)
    assert run("show", str(path.parent)).stdout == result.stdout
    assert json.loads(run("show", str(path), "--json").stdout)["multiply_adds"] == 56789


def test_a_model_without_a_cost(tmp_path: Path):
    path = write_tiny_model(tmp_path / "tiny.onnx")
    assert json.loads(run("show", str(path), "--json").stdout)["parameters"] is None
    assert "parameters     unknown" in run("show", str(path)).stdout


def test_a_keras_file_shows_the_metadata_of_the_onnx_file():
    onnx_card, card = (
        json.loads(run("show", name, "--json").stdout)
        for name in ("emorec-compact", "emorec-compact.keras")
    )
    assert card["path"] == str(resources.shipped_keras_model())
    assert (card["parameters"], card["multiply_adds"]) == (None, None)
    different = {"path", "size", "sha256", "parameters", "multiply_adds"}
    assert {k: v for k, v in card.items() if k not in different} == {
        k: v for k, v in onnx_card.items() if k not in different
    }


def test_yunet_is_bundled():
    card = json.loads(run("show", "yunet", "--json").stdout)
    assert (card["kind"], card["state"]) == ("face detector", "ok")
    assert card["path"] == str(resources.shipped_face_detector())
    assert card["license"].startswith("MIT")
    for source in ([], ["--from", "nowhere"]):
        result = run("pull", "yunet", *source)
        assert (result.exit_code, result.stderr) == (0, "")
        assert result.stdout == f"yunet is bundled with emorec, nothing to fetch: {card['path']}\n"


def test_a_damaged_bundled_file(tmp_path: Path, monkeypatch):
    damaged = tmp_path / "yunet.onnx"
    damaged.write_bytes(b"damaged")
    (file,) = (file for file in registry.shipped() if file.name == "yunet")
    monkeypatch.setattr(registry, "shipped", lambda: [replace(file, path=damaged)])
    result = run("pull", "yunet")
    assert (result.exit_code, result.stdout) == (5, "")
    assert f"{damaged}: damaged or changed; reinstall emorec: " in result.stderr


def test_a_cascade():
    card = json.loads(run("show", "alt", "--json").stdout)
    assert (card["kind"], card["state"]) == ("Haar cascade", "ok")
    assert "Intel License" in card["license"]


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["show", "none.onnx"], 5, "none.onnx: no such model file"),
        (["show", "model.keras"], 5, "model.keras: no such model file"),
        (["show", "yunet.onnx"], 5, "no such model file, run folder or name"),
        (["pull", "retina"], 2, "'retina' cannot be fetched; known models: extra, emorec-compact"),
        (["pull"], 2, "Missing argument"),
        (["pull", "extra", "--from", "nowhere"], 5, "nowhere: no such file"),
    ],
)
def test_refused_arguments(pinned: Path, arguments, exit_code, message):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert message in result.stderr


def test_pull_fetches_once(pinned: Path):
    path = registry.fetchable()["extra"].path
    first = run("pull", "extra", "--from", str(pinned))
    assert (first.exit_code, first.stderr) == (0, "")
    assert first.stdout == f"wrote {path} (0 kB, SHA-256 checked)\n"
    assert path.read_bytes() == b"network"
    again = run("pull", "extra")
    assert (again.exit_code, again.stdout.split(maxsplit=1)[1]) == (
        0,
        "is already up to date, with the right SHA-256\n",
    )


def test_a_damaged_file_is_fetched_again(pinned: Path):
    path = registry.fetchable()["extra"].path
    run("pull", "extra", "--from", str(pinned))
    path.write_bytes(b"damaged")
    assert json.loads(run("list", "--json").stdout)[-1]["state"] == "damaged or changed"
    assert run("pull", "extra").exit_code == 5  # no server listens there
    assert run("pull", "extra", "--from", str(pinned)).exit_code == 0
    assert path.read_bytes() == b"network"


def test_a_path_that_is_no_text(tmp_path: Path):
    path = write_tiny_model(tmp_path / os.fsdecode(b"caf\xe9.onnx"))
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    for arguments in (["--json"], []):
        done = subprocess.run(
            [sys.executable, "-m", "emorec", "models", "show", path, *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        assert "tiny" in done.stdout
