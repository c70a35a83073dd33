"""Resolution of model names to model files, and reading of their metadata.

Neither ONNX Runtime nor Keras is loaded.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from emorec import resources
from emorec.errors import ModelError
from emorec.metadata import COST_KEY, METADATA_KEY, ModelCost, ModelMetadata
from emorec.models import keras_archive
from emorec.models.hub_address import is_hub_address
from emorec.models.onnx_properties import read_properties
from emorec.models.pulled import find_pulled, pulled_models
from emorec.models.registry import EMOTIONS, TRAINABLE, ModelFile, shipped
from emorec.shell_words import quoted
from emorec.suggestions import close_names

FORMATS = ("onnx", "keras")
"""File formats of models; a run folder holds `model.<format>`."""

MAX_FILE_BYTES = 2**30
"""Larger model files are refused before they are read."""


_FOREIGN = "; emorec runs the models that emorec train or emorec export has written"
_ADVICE = {
    ".onnx": "; the .keras file of the same run is needed",
    ".keras": "; write an ONNX file with: emorec export {path}",
    ".h5": "; train a model from these weights with: emorec train --data DATA --weights {path}",
    **dict.fromkeys((".pb", ".pkl", ".pt", ".pth", ".safetensors", ".tflite"), _FOREIGN),
}
"""What to do with a file of another format, by its suffix."""

_ADOPT = (
    "use a model that emorec wrote, export it with: emorec export, or describe it with: emorec "
    "models adopt"
)

_LISTED = "; emorec models list prints the models of the package"

_SAVED_MODEL = "saved_model.pb"

FINAL, FOLDS = "final", "folds.json"
"""Of a cross-validation: the run folder of its model, and a file that only such a folder holds."""

PREDICTIONS = "predictions.csv"
"""Predictions of a cross-validation for the images that its folds left out."""

ENVIRONMENT = "environment.json"
"""What a run was trained on and with, in its run folder."""

_RUNS = Path("runs")
_RUN_CONFIG = "config.yaml"
_MOST_LISTED = 5


def find_model(named: str | os.PathLike[str], formats: Sequence[str] = FORMATS) -> Path:
    """Resolve the name of a model to its file.

    The first match counts: an address on the Hugging Face hub, whose model was pulled; a model
    file; a run folder; a name that `emorec models list` prints; a run folder in `./runs`; the
    unique beginning of the path of a run folder, or of its name in `./runs`.

    Args:
        named: Name or path from a user, such as `model.onnx`, `runs/20260101-120000-compact`,
            `runs/20260101-12`, `20260101-12`, `emorec-compact` or `hf://owner/repo`.
        formats: Accepted formats, the preferred one first: it is taken from a run folder that
            holds several.

    Raises:
        ModelError: Nothing has that name, several run folders begin with it, the file is of
            another format, or the run folder holds no model.
    """
    text = os.fspath(named)
    path = Path(text)
    if is_hub_address(text):
        return find_pulled(text, formats)
    try:
        is_file, is_folder = path.is_file(), path.is_dir()
    except OSError as error:
        raise ModelError(f"{text}: {error.strerror or error}") from error
    if text and is_file:
        return _accepted(path, formats)
    if text and is_folder:
        return _model_of_run(path, formats)
    listed = {file.name: file for file in listed_models()}
    if text in listed:
        # The shipped models have an ONNX file NAME and a Keras file NAME.keras.
        names = [text, *(f"{text}.{format}" for format in formats)]
        fitting = [name for name in names if _has_format(listed.get(name), formats)]
        file = listed[(fitting or [text])[0]]
        if file.kind not in (EMOTIONS, TRAINABLE):
            raise ModelError(f"{text}: a {file.kind}, not an emotion model; see emorec models list")
        return _accepted(file.path, formats)
    runs = [run for run in _runs_near(path) if text and run.name.startswith(path.name)]
    exact = [run for run in runs if run.name == path.name]
    runs = exact or runs
    if len(runs) == 1:
        return _model_of_run(runs[0], formats)
    if runs:
        raise ModelError(
            f"{text}: {len(runs)} run folders begin with it: {_some(map(str, runs))}; write more "
            "of the name"
        )
    emotion_models = [name for name, file in listed.items() if file.kind in (EMOTIONS, TRAINABLE)]
    raise ModelError(
        f"{text or '(empty name)'}: no such model file, run folder or name of `emorec models list`"
        f"{_suggestion(path, [*emotion_models, *_names_near(path, formats)])}{_training_hint(text)}"
    )


def _has_format(file: ModelFile | None, formats: Sequence[str]) -> bool:
    return file is not None and file.path.suffix.removeprefix(".") in formats


def listed_models() -> list[ModelFile]:
    """List the files that `emorec models list` prints: shipped ones, then pulled models.

    Raises:
        EmorecError: The installation is incomplete.
    """
    return [*shipped(), *pulled_models()]


def read_metadata(path: Path, advice: str = _ADOPT) -> ModelMetadata:
    """Read the metadata of a model file.

    Args:
        path: A .onnx or .keras file.
        advice: What to do with an ONNX file without metadata; the end of the message.

    Raises:
        ModelError: The file is missing, too large, damaged or of another format, or it has no
            metadata or invalid ones.
    """
    _accepted(path, FORMATS)
    if path.suffix == ".keras":
        return _metadata_of_keras(path)
    properties = _properties(path)
    if METADATA_KEY not in properties:
        raise ModelError(
            f"{path}: the model has no emorec metadata (labels, colour, input size); {advice}"
        )
    return ModelMetadata.from_json(properties[METADATA_KEY], str(path))


def read_cost(path: Path) -> ModelCost | None:
    """Read the size and computational cost of a model; None if its file has no such metadata.

    Args:
        path: A .onnx or .keras file; only .onnx files have this metadata.

    Raises:
        ModelError: The file is missing, too large, damaged or of another format.
    """
    _accepted(path, FORMATS)
    cost = None if path.suffix == ".keras" else _properties(path).get(COST_KEY)
    return None if cost is None else ModelCost.from_json(cost, str(path))


def _metadata_of_keras(path: Path) -> ModelMetadata:
    with keras_archive.open_archive(path) as archive:
        text = keras_archive.read_member(archive, keras_archive.METADATA, path).decode("utf-8")
    return ModelMetadata.from_json(text, str(path))


def _properties(path: Path) -> dict[str, str]:
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"{path}: {size / 2**30:.1f} GiB; models up to 1 GiB are read")
        return read_properties(path.read_bytes(), (METADATA_KEY, COST_KEY))
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise ModelError(f"{path}: not an ONNX file, or a damaged one ({error})") from error


def _accepted(path: Path, formats: Sequence[str]) -> Path:
    """Return a path if it is a file of an accepted format."""
    if not _exists(path):
        raise ModelError(f"{path}: no such model file")
    if path.suffix.removeprefix(".") not in formats:
        kinds = " or ".join(f".{name}" for name in formats)
        advice = _ADVICE.get(path.suffix.lower(), _LISTED).format(path=quoted(str(path)))
        raise ModelError(
            f"{path}: the model must be a {kinds} file; received {path.suffix!r}{advice}"
        )
    return path


def _model_of_run(folder: Path, formats: Sequence[str]) -> Path:
    names = [f"model.{name}" for name in formats if name in FORMATS]
    for name in names:
        if _exists(folder / name):
            return folder / name
    if _is_file(folder / FOLDS):
        final = folder / FINAL
        if any(_exists(final / f"model.{name}") for name in FORMATS):
            return _model_of_run(final, formats)
        raise ModelError(
            f"{folder}: the final model of the cross-validation is missing; finish it with: emorec "
            f"train --resume {quoted(str(folder))}"
        )
    if _is_file(folder / _SAVED_MODEL):
        raise ModelError(f"{folder}: a TensorFlow SavedModel{_FOREIGN}")
    holds = f"neither {' nor '.join(names)}" if len(names) > 1 else f"no {names[0]}"
    runs = [str(run) for run in _entries(folder) if _is_run(run)]
    hint = f"; name one of its run folders: {_some(runs)}" if runs else ""
    for name in FORMATS:
        if _is_file(folder / f"model.{name}"):
            hint = _ADVICE[f".{name}"].format(path=quoted(str(folder)))
    raise ModelError(f"{folder}: the folder holds {holds}{hint}")


def _runs_near(path: Path) -> list[Path]:
    """List the run folders next to a path, and those in `./runs` for a bare name."""
    parents = [path.parent]
    if path.parent == Path():
        parents.append(_RUNS)
    return [entry for parent in parents for entry in _entries(parent) if _is_run(entry)]


def _is_run(folder: Path) -> bool:
    members = (_RUN_CONFIG, *(f"model.{name}" for name in FORMATS))
    return any(_is_file(folder / name) for name in members)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _exists(path: Path) -> bool:
    """Return whether a file exists.

    Raises:
        ModelError: Its folder cannot be read.
    """
    try:
        return path.is_file()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


def _names_near(path: Path, formats: Sequence[str]) -> Iterator[str]:
    """Yield the names of run folders and model files near a path, for suggestions."""
    for run in _runs_near(path):
        yield run.name if path.parent == Path() else str(run)
    for entry in _entries(path.parent):
        if entry.suffix.removeprefix(".") in formats:
            yield str(entry)


def _suggestion(path: Path, names: Sequence[str]) -> str:
    close = close_names(str(path), names, 3)
    return f"; similar names: {', '.join(close)}" if close else ""


def _training_hint(name: str) -> str:
    """Return what to do for the name of an architecture, of which a model must be trained."""
    key = name.lower()
    if key not in resources.architecture_names():
        return ""
    return f"; {key} is an architecture, of which emorec train --arch {key} trains a model"


def _some(names: Iterator[str] | Sequence[str]) -> str:
    every = list(names)
    more = len(every) - _MOST_LISTED
    return ", ".join(every[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "")
