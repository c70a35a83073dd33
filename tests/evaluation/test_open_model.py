import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.metadata_example import METADATA

from emorec.errors import ModelError
from emorec.evaluation.open_model import open_model
from emorec.export.onnx import export_onnx
from emorec.modeling.build import build_classifier
from emorec.modeling.keras_files import save_model

pytestmark = pytest.mark.usefixtures("quick_network")

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 1), np.uint8)
PRIOR = tuple((np.arange(1, 8) / 28).tolist())


@pytest.fixture(scope="module", params=[0.0, 0.7])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model in both formats, with a default prior."""
    folder = tmp_path_factory.mktemp("model")
    # A high temperature keeps the probabilities away from 0 and 1.
    metadata = METADATA.replaced(temperature=20.0, prior=PRIOR, default_prior=request.param)
    model = build_classifier("compact", 7, 24)
    save_model(model, metadata, folder / "model.keras")
    export_onnx(model, metadata, IMAGES, folder / "model.onnx")
    return folder


@pytest.mark.parametrize("name", ["model.onnx", "model.keras"])
@pytest.mark.parametrize("threads", [0, 1])
def test_logits_and_probabilities(folder: Path, name: str, threads: int) -> None:
    model = open_model(folder / name, threads)
    assert model.path == folder / name
    metadata = model.metadata
    assert (metadata.labels, metadata.temperature) == (METADATA.labels, 20.0)
    logits, probabilities = model.logits(IMAGES), model.probabilities(IMAGES)
    assert (logits.shape, logits.dtype) == ((5, 7), np.float32)
    assert (probabilities.shape, probabilities.dtype) == ((5, 7), np.float32)
    exponentials = np.exp(logits / 20 - metadata.default_prior * np.log(PRIOR))
    expected = exponentials / exponentials.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert np.ptp(model.logits(IMAGES[:, :, ::-1]), axis=0).max() > 0


def test_both_formats_agree(folder: Path) -> None:
    onnx, keras = (open_model(folder / name) for name in ("model.onnx", "model.keras"))
    assert onnx.metadata == keras.metadata
    np.testing.assert_allclose(onnx.logits(IMAGES), keras.logits(IMAGES), atol=1e-3)
    np.testing.assert_allclose(onnx.probabilities(IMAGES), keras.probabilities(IMAGES), atol=1e-4)


@pytest.mark.parametrize("name", ["none.onnx", "none.keras", "damaged.onnx", "damaged.keras"])
def test_files_that_cannot_be_opened(tmp_path: Path, name: str) -> None:
    (tmp_path / "damaged.onnx").write_bytes(b"text")
    (tmp_path / "damaged.keras").write_bytes(b"text")
    with pytest.raises(ModelError, match=name):
        open_model(tmp_path / name)


def test_an_onnx_file_does_not_load_keras() -> None:
    code = (
        "import sys; from emorec import resources; "
        "from emorec.evaluation.open_model import open_model; "
        "open_model(resources.shipped_model()); print('keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
