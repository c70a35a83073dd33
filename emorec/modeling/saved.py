"""Saves and safely loads .keras files that carry emorec's metadata."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras

from emorec.atomic_files import written_whole
from emorec.errors import ModelError
from emorec.metadata import ModelMetadata

METADATA_MEMBER = "emorec.json"

_CONFIG_MEMBER = "config.json"
_MAX_JSON_BYTES = 16 * 2**20
_MAX_MODEL_BYTES = 4 * 2**30
# What the architectures of the registry are made of; nothing else is let in.
_MODULES = frozenset(
    {
        None,
        "keras",
        "keras.constraints",
        "keras.initializers",
        "keras.layers",
        "keras.regularizers",
        "keras.src.models.functional",
        "keras.src.ops.numpy",
    }
)
_VALUES = frozenset({"__ellipsis__", "__keras_tensor__", "__slice__"})
# Layers of Keras that run code which the file itself brings along.
_CODE_LAYERS = frozenset({"FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"})


def save_model(model: keras.Model, metadata: ModelMetadata, path: Path) -> None:
    """Save a model with its metadata as a .keras file, whole or not at all.

    Raises:
        DataError: The file cannot be written.
    """
    with written_whole(path) as partial:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(METADATA_MEMBER, metadata.to_json())


def load_model(path: Path) -> tuple[keras.Model, ModelMetadata]:
    """Load a model that `save_model` wrote; code from the file is never run.

    Returns:
        The model, not compiled, and its metadata.

    Raises:
        ModelError: The file is missing, no .keras file, too large, carries code or custom
            objects, lacks its metadata, or disagrees with it.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > _MAX_MODEL_BYTES:
                raise ModelError(f"{path}: {size / 2**30:.1f} GiB unpacked; at most 4 are read")
            config = json.loads(_member(archive, _CONFIG_MEMBER, path))
            _refuse_code(config, path)
            metadata = ModelMetadata.from_json(
                _member(archive, METADATA_MEMBER, path).decode("utf-8"), str(path)
            )
    except (zipfile.BadZipFile, OSError, ValueError, RecursionError, NotImplementedError) as error:
        raise ModelError(f"{path}: not a .keras file, or a damaged one ({error})") from error
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    # A hostile or damaged file makes Keras and h5py raise whatever they come upon.
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelError(f"{path}: Keras cannot load the model: {reason:.200}") from error
    expected = (None, metadata.input_size, metadata.input_size, metadata.channels)
    labels = (None, len(metadata.labels))
    shapes = (getattr(model, "input_shape", None), getattr(model, "output_shape", None))
    if shapes != (expected, labels):
        raise ModelError(
            f"{path}: input and output {shapes} disagree with the metadata, {(expected, labels)}"
        )
    return model, metadata


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    try:
        info = archive.getinfo(name)
    except KeyError:
        what = "its emorec metadata" if name == METADATA_MEMBER else f"the part {name}"
        raise ModelError(
            f"{path}: the file lacks {what}; only models trained by emorec can be used"
        ) from None
    if info.file_size > _MAX_JSON_BYTES:
        raise ModelError(f"{path}: the part {name} has {info.file_size} bytes; that is too much")
    return archive.read(info)


def _refuse_code(config: Any, path: Path) -> None:
    """Refuse every layer that is not Keras's own or that brings code.

    Raises:
        ModelError: There is one.
    """
    pending = [config]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value
        if not isinstance(value, dict):
            continue
        pending += value.values()
        name, module = value.get("class_name"), value.get("module")
        if name is None:
            continue
        known = isinstance(module, str | None) and module in _MODULES
        if str(name).startswith("__"):
            known = name in _VALUES
        if not known or name in _CODE_LAYERS or name == "function":
            raise ModelError(
                f"{path}: refused, for it carries custom code or objects "
                f"({str(module)[:60]}.{str(name)[:60]}); only Keras's own layers are loaded"
            )
