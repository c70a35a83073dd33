import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from click.testing import CliRunner, Result
from helpers.hub_server import REPO, StubHub, stub_hub
from helpers.onnx_models import METADATA, tiny_model, write_tiny_model
from onnx import helper

from emorec import resources
from emorec.cli.main import main
from emorec.inference import model_speed
from emorec.metadata import COST_KEY, METADATA_KEY, ModelCost
from emorec.models import registry
from emorec.models.registry import hash_of


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch) -> Path:
    """An empty folder of fetched files."""
    folder = tmp_path / "data"
    monkeypatch.setenv(resources.CACHE_VARIABLE, str(folder))
    return folder


@pytest.fixture
def hub(monkeypatch) -> Iterator[StubHub]:
    """A hub with one model."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with stub_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.files = {"model.onnx": tiny_model().SerializeToString()}
        yield server


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["models", *arguments])


def test_the_list_shows_figures_states_and_licences():
    result = run("list")
    assert result.exit_code == 0
    models, others, notes = result.stdout.split("\n\n")
    header, *rows = models.splitlines()
    assert header.split() == [
        *("name", "version", "size", "multiply-adds", "accuracy", "balanced", "state", "license")
    ]
    by_name = {row.split()[0]: row for row in rows}
    assert {"emorec-compact", "emorec-compact.keras"} <= set(by_name)
    assert re.search(
        r" \d\.\d\d MB  +\d+ M  +8\d\.\d%  +7\d\.\d%  +ok  ", by_name["emorec-compact"]
    )
    header, *rows = others.splitlines()
    assert header.split() == ["name", "kind", "size", "state", "license"]
    assert {"alt", "alt2", "default", "yunet"} <= {row.split()[0] for row in rows}
    assert notes.startswith("accuracy, balanced: share of the PublicTest images of FER+")


def test_the_list_as_json():
    entries = {entry["name"]: entry for entry in json.loads(run("list", "--json").stdout)}
    assert {entry["state"] for entry in entries.values()} == {"ok"}
    assert len({tuple(entry) for entry in entries.values()}) == 1  # the same keys
    model = entries["emorec-compact"]
    assert model["path"] == str(resources.shipped_model())
    assert model["sha256"] == hash_of(resources.shipped_model())
    assert model["size"] == resources.shipped_model().stat().st_size
    assert 1e6 < model["multiply_adds"] < 1e9
    assert 0.7 < model["balanced_accuracy"] < model["accuracy"] < 1
    assert model["milliseconds_per_face"] is None
    assert model["license"].startswith("MIT")
    yunet = entries["yunet"]
    assert (yunet["kind"], yunet["accuracy"], yunet["version"]) == ("face detector", None, None)


def test_the_time_is_measured_on_request(monkeypatch):
    monkeypatch.setattr(model_speed, "RUNS", 2)
    entries = {
        entry["name"]: entry for entry in json.loads(run("list", "--measure", "--json").stdout)
    }
    assert 0 < entries["emorec-compact"]["milliseconds_per_face"] < 1000
    assert entries["emorec-compact.keras"]["milliseconds_per_face"] is None
    assert entries["yunet"]["milliseconds_per_face"] is None
    assert " ms/face " in run("list", "--measure").stdout


def test_a_damaged_pulled_model_is_listed_with_its_fix(hub: StubHub):
    name = f"hf://{REPO}/model.onnx"
    run("pull", name)
    entry = json.loads(run("list", "--json").stdout)[-1]
    assert (entry["name"], entry["version"], entry["state"]) == (name, "1", "ok")
    Path(entry["path"]).write_bytes(b"damaged")
    assert run("list").stdout.splitlines()[-1] == (
        f"{name}: damaged or changed; fetch it again with: emorec models pull {name}"
    )


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
    card = {line[:18].rstrip(): line[19:] for line in result.stdout.splitlines()}
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
    assert "parameters         unknown" in run("show", str(path)).stdout


@pytest.mark.parametrize(
    ("images", "shown", "calibrated"),
    [(None, "unknown", None), (18, "18", False), (50, "50", True)],
)
def test_the_calibration_of_a_model(
    tmp_path: Path, images: int | None, shown: str, calibrated: bool | None
):
    path = write_tiny_model(tmp_path / "tiny.onnx", METADATA.replaced(calibration_images=images))
    result = run("show", str(path))
    assert f"calibration images {shown}\n" in result.stdout
    assert ("note: confidence not calibrated" in result.stderr) is (calibrated is False)
    card = json.loads(run("show", str(path), "--json").stdout)
    assert (card["calibration_images"], card["calibrated"]) == (images, calibrated)


def test_the_variable_names_the_default_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOREC_MODEL", "emorec-nano")
    assert json.loads(run("show", "--json").stdout)["name"] == "emorec-nano"
    monkeypatch.setenv("EMOREC_MODEL", "none.onnx")
    result = run("show")
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr.startswith("error: EMOREC_MODEL: none.onnx: no such model file")


def test_a_keras_file_shows_the_metadata_of_the_onnx_file():
    onnx_card, card = (
        json.loads(run("show", name, "--json").stdout)
        for name in ("emorec-compact", "emorec-compact.keras")
    )
    assert card["path"] == str(resources.shipped_keras_model())
    assert (card["parameters"], card["multiply_adds"]) == (None, None)
    of_the_file = {"path", "size", "sha256", "accuracy", "balanced_accuracy"}
    different = {*of_the_file, "parameters", "multiply_adds"}
    assert {k: v for k, v in card.items() if k not in different} == {
        k: v for k, v in onnx_card.items() if k not in different
    }


def test_yunet_is_bundled():
    card = json.loads(run("show", "yunet", "--json").stdout)
    assert (card["kind"], card["state"]) == ("face detector", "ok")
    assert card["path"] == str(resources.shipped_face_detector())
    assert card["license"].startswith("MIT")
    result = run("pull", "yunet")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"yunet is bundled with emorec, nothing to fetch: {card['path']}\n"
    pulled = json.loads(run("pull", "yunet", "--json").stdout)
    assert (pulled["path"], pulled["sha256"]) == (card["path"], card["sha256"])
    assert (pulled["name"], pulled["pulled"]) == ("yunet", False)


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
        (["show", f"hf://{REPO}"], 5, f"hf://{REPO}: not pulled yet; fetch it with: emorec models"),
        (["pull", "retina"], 2, "'retina' is neither an address hf://OWNER/REPO nor one of the"),
        (["pull", "hf://x"], 2, "'hf://x' is not an address of the form hf://OWNER/REPO[@REV][/"),
        (["pull", f"hf://{REPO}/x.bin"], 2, "the file must be an .onnx or .keras file"),
        (["pull", f"hf://{REPO}", "--sha256", "12"], 2, "'12' is not a SHA-256: 64 hexadecimal"),
        (["pull"], 2, "Missing argument"),
    ],
)
def test_refused_arguments(arguments, exit_code, message):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (exit_code, "")
    assert message in result.stderr


def test_pull_and_use_a_model(hub: StubHub):
    first = run("pull", f"hf://{REPO}")
    sha256 = hashlib.sha256(hub.files["model.onnx"]).hexdigest()
    name = f"hf://{REPO}/model.onnx"
    assert (first.exit_code, first.stderr) == (0, "")
    pulled, stored = first.stdout.splitlines()
    assert pulled == f"pulled {name} (0.00 MB, SHA-256 {sha256})"
    path = Path(stored.removeprefix("stored as "))
    assert path.read_bytes() == hub.files["model.onnx"]
    again = run("pull", f"hf://{REPO}", "--sha256", sha256.upper())
    assert (again.exit_code, again.stdout.splitlines()[0]) == (
        0,
        f"{name} is up to date (0.00 MB, SHA-256 {sha256})",
    )
    hub.status = (500, "")  # from here on, the network is not used
    assert json.loads(run("show", name, "--json").stdout)["path"] == str(path)
    photo = Path(__file__).parents[2] / "examples" / "astronaut.jpg"
    detected = CliRunner().invoke(
        main, ["detect", str(photo), "--no-save", "--model", f"hf://{REPO}", "--detector", "none"]
    )
    assert detected.exit_code == 0, detected.output
    assert "  1  0,0 512x512 " in detected.stdout


def test_errors_of_the_hub_are_one_line(hub: StubHub):
    hub.status = (503, "")
    result = run("pull", f"hf://{REPO}")
    assert (result.exit_code, result.stdout) == (5, "")
    assert result.stderr == f"error: hf://{REPO}: the hub answered 503; try again later\n"


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
