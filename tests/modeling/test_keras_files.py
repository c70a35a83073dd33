import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.metadata_example import METADATA
from keras import layers

from emorec.errors import ModelError
from emorec.modeling.build import build_classifier
from emorec.modeling.keras_files import load_model, save_model
from emorec.models import keras_archive

pytestmark = pytest.mark.usefixtures("quick_network")


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    keras.utils.set_random_seed(0)
    save_model(build_classifier("compact", 7, 24), METADATA, path)
    return path


def rewritten(saved: Path, target: Path, **members: str | None) -> Path:
    """Copy a .keras file with some members (dots as double underscores) replaced or omitted."""
    changes = {name.replace("__", "."): text for name, text in members.items()}
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(target, "w") as copy:
        for name in source.namelist():
            if name not in changes:
                copy.writestr(name, source.read(name))
        for name, text in changes.items():
            if text is not None:
                copy.writestr(name, text)
    return target


def test_round_trip(saved: Path) -> None:
    model, metadata = load_model(saved)
    assert metadata == METADATA
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(1).uniform(0, 255, (4, 24, 24, 1)).astype(np.float32)
    expected = build_classifier("compact", 7, 24)(images)
    np.testing.assert_allclose(model(images), expected, atol=1e-5)
    assert [path.name for path in saved.parent.iterdir()] == ["model.keras"]


@pytest.mark.parametrize("arch", ["vgg16"])
def test_a_model_with_channel_reversal_loads(arch: str, tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    metadata = METADATA.replaced(architecture=arch, input_size=32)
    save_model(build_classifier(arch, 7, 32), metadata, path)
    assert load_model(path)[1] == metadata


def test_missing_and_damaged_files(saved: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.keras"
    with pytest.raises(ModelError, match="no such model file"):
        load_model(path)
    whole = saved.read_bytes()
    for content in (b"", b"text", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"x\.keras"):
            load_model(path)


def test_parts_missing_or_wrong(saved: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.keras"
    for change, says in (
        ({"emorec__json": None}, "lacks its emorec metadata"),
        ({"config__json": None}, "lacks the part config.json"),
        ({"config__json": "{"}, r"config.json is not JSON"),
        ({"config__json": "[" * 100_000}, r"config.json is not JSON"),
        ({"emorec__json": "{}"}, "format"),
        ({"config__json": '{"module": "keras", "class_name": "Functional"}'}, "cannot load"),
        (
            {"emorec__json": METADATA.replaced(labels=("happy", "sad")).to_json()},
            "disagree with the metadata",
        ),
        ({"emorec__json": METADATA.replaced(input_size=48).to_json()}, "disagree"),
    ):
        with pytest.raises(ModelError, match=says) as caught:
            load_model(rewritten(saved, target, **change))
        assert "\n" not in str(caught.value)


def test_a_lambda_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.keras"
    image = keras.Input((24, 24, 1))
    x = layers.Lambda(lambda x: x * 2)(image)
    model = keras.Model(image, layers.Dense(7)(layers.Flatten()(x)))
    save_model(model, METADATA, path)
    with pytest.raises(ModelError, match="custom code"):
        load_model(path)


@pytest.mark.parametrize(
    "planted",
    [
        {"module": "builtins", "class_name": "eval", "config": {}},
        {"module": "os", "class_name": "function", "config": "system"},
        {"module": "keras.utils", "class_name": "function", "config": "get_file"},
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "/tmp"}},
        {"module": None, "class_name": "__lambda__", "config": {"value": ["", None, None]}},
        {"module": "keras.layers", "class_name": "Lambda", "config": {}},
        {"module": "mypackage", "class_name": "Layer", "registered_name": "mypackage>Layer"},
        {"module": ["keras"], "class_name": "Dense"},
    ],
)
def test_code_anywhere_in_the_file_is_refused(saved: Path, tmp_path: Path, planted: dict) -> None:
    with zipfile.ZipFile(saved) as archive:
        config = json.loads(archive.read("config.json"))
    config["config"]["layers"][1]["config"]["deep"] = [{"inner": planted}]
    target = rewritten(saved, tmp_path / "evil.keras", config__json=json.dumps(config))
    with pytest.raises(ModelError, match="refused"):
        load_model(target)


def test_the_file_holds_the_metadata_as_json(saved: Path) -> None:
    with zipfile.ZipFile(saved) as archive:
        assert json.loads(archive.read(keras_archive.METADATA))["labels"] == list(METADATA.labels)
