"""The recorded accuracy belongs to the shipped files; with the real data it is measured again."""

import csv
import importlib.util
import json
from pathlib import Path

import cv2
import pytest

from emorec import resources
from emorec.errors import ModelError
from emorec.models.accuracy import accuracy_path, measured_accuracy
from emorec.models.registry import EMOTIONS, shipped

ROOT = Path(__file__).resolve().parents[2]
SIDE = 48


def test_every_shipped_model_has_figures_of_its_own_file() -> None:
    """For a new model: python scripts/measure_models.py FER-2013."""
    models = {file.sha256: file.name for file in shipped() if file.kind == EMOTIONS}
    recorded = json.loads(accuracy_path().read_text("utf-8"))["models"]
    assert {entry["sha256"]: name for name, entry in recorded.items()} == models
    for figures in measured_accuracy().values():
        assert 0.5 < figures.balanced_accuracy < figures.accuracy < 1
        assert figures.images == 3199


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"models": {"a": {"sha256": "x"}}}'])
def test_a_damaged_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None) -> None:
    monkeypatch.setattr(resources, "shipped_model", lambda: tmp_path / "model.onnx")
    if text is not None:
        accuracy_path().write_text(text)
    with pytest.raises(ModelError, match=r"accuracy\.json: .*; reinstall emorec"):
        measured_accuracy()


@pytest.fixture
def public_test(shared_data: Path, tmp_path: Path) -> Path:
    """A checkout of FERPlus with the images of PublicTest alone."""
    source, folder = shared_data / "ferplus", tmp_path / "FERPlus" / "data" / "FER2013Valid"
    folder.mkdir(parents=True)
    mosaic = cv2.imread(str(source / "valid.webp"), cv2.IMREAD_GRAYSCALE)
    columns = mosaic.shape[1] // SIDE
    with (source / "tiles.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["mosaic"] == "valid":
                y, x = divmod(int(row["tile"]), columns)
                tile = mosaic[y * SIDE : (y + 1) * SIDE, x * SIDE : (x + 1) * SIDE]
                cv2.imwrite(str(folder / row["image_name"]), tile)
    lines = (source / "fer2013new.csv").read_text("utf-8").splitlines()
    rows = [line for line in lines if line.startswith(("Usage", "PublicTest"))]
    (tmp_path / "FERPlus" / "fer2013new.csv").write_text("\n".join(rows) + "\n", "utf-8")
    return tmp_path / "FERPlus"


@pytest.mark.real
@pytest.mark.slow
def test_the_recorded_figures_are_measured_again(public_test: Path, tmp_path: Path) -> None:
    from emorec.datasets.prepare import prepare_data

    prepare_data(public_test, tmp_path / "data")
    script = ROOT / "scripts" / "measure_models.py"
    spec = importlib.util.spec_from_file_location("measure_models", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.measure(tmp_path / "data") == json.loads(accuracy_path().read_text("utf-8"))
