"""Saving and safe loading of .keras files with emorec's metadata."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras

from emorec.atomic_files import written_whole
from emorec.errors import ModelError
from emorec.metadata import ModelMetadata
from emorec.models.files import METADATA_MEMBER, read_member

_CONFIG_MEMBER = "config.json"
_MAX_MODEL_BYTES = 4 * 2**30
# Allowlist: the modules that the architectures are made of.
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
# Layers of Keras that run code from the file.
_CODE_LAYERS = frozenset({"FlaxLayer", "JaxLayer", "Lambda", "TFSMLayer", "TorchModuleWrapper"})


def save_model(model: keras.Model, metadata: ModelMetadata, path: Path) -> None:
    """Save a model with its metadata as a .keras file, atomically.

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
        ModelError: The file is missing, damaged, of another format or too large, contains code or
            custom objects, or lacks metadata that match the model.
    """
    if not path.is_file():
        raise ModelError(f"{path}: no such model file")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > _MAX_MODEL_BYTES:
                raise ModelError(f"{path}: {size / 2**30:.1f} GiB unpacked; at most 4 GiB are read")
            config = json.loads(read_member(archive, _CONFIG_MEMBER, path))
            _refuse_code(config, path)
            metadata = ModelMetadata.from_json(
                read_member(archive, METADATA_MEMBER, path).decode("utf-8"), str(path)
            )
    except (zipfile.BadZipFile, OSError, ValueError, RecursionError, NotImplementedError) as error:
        raise ModelError(f"{path}: not a .keras file, or a damaged one ({error})") from error
    try:
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    # For a hostile or damaged file Keras and h5py raise exceptions of many types.
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


def _refuse_code(config: Any, path: Path) -> None:
    """Check that a model consists of Keras's own layers and contains no code.

    Raises:
        ModelError: It contains another object.
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
                f"{path}: refused, because it contains custom code or objects "
                f"({str(module)[:60]}.{str(name)[:60]}); only Keras's own layers are loaded"
            )
