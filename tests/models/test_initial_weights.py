from pathlib import Path

import pytest

from emorec import resources
from emorec.errors import ModelError
from emorec.models.initial_weights import find_weights, initial_metadata

MODELS = resources.shipped_model().parent
USE = "use --weights none (random), imagenet, emorec, or the name or path of a model"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("own.h5", "own.weights.h5", "own.onnx", "runs/only-onnx/model.onnx"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


@pytest.mark.parametrize(
    ("named", "file"),
    [
        ("emorec-nano", MODELS / "emorec-nano.keras"),
        ("emorec-compact.keras", MODELS / "emorec-compact.keras"),
        ("own.h5", Path("own.h5")),
        ("own.weights.h5", Path("own.weights.h5")),
    ],
)
def test_files_of_weights(named: str, file: Path) -> None:
    assert find_weights(named) == file


@pytest.mark.parametrize(
    ("named", "message"),
    [
        (
            "",
            f"(empty name): no such model file, run folder or name of `emorec models list`; {USE}",
        ),
        ("imagnet", "list`; did you mean 'imagenet'?"),
        ("random", USE),
        ("vgg16", f"of which emorec train --arch vgg16 trains a model; {USE}"),
        ("own.onnx", "must be a .keras or .h5 file; received '.onnx'; the .keras file of the same"),
        ("only-onnx", "the folder holds no model.keras; the .keras file of the same run is needed"),
        ("yunet", "yunet: a face detector, not an emotion model"),
        ("hf://owner/repo", "not pulled yet; fetch it with: emorec models pull hf://owner/repo"),
    ],
)
def test_names_of_no_weights(named: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        find_weights(named)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("named", "architecture"),
    [
        ("none", None),
        ("imagenet", None),
        ("emorec", "compact"),
        ("own.h5", None),
        ("emorec-nano", "nano"),
        ("emorec-compact", "compact"),
    ],
)
def test_the_metadata_of_weights(named: str, architecture: str | None) -> None:
    metadata = initial_metadata(named)
    assert (metadata and metadata.architecture) == architecture


def test_the_shipped_model_is_that_of_the_architecture() -> None:
    metadata = initial_metadata("emorec", "nano")
    assert metadata is not None
    assert (metadata.name, metadata.architecture) == ("emorec-nano", "nano")
