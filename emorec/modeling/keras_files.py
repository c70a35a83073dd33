"""Saving and safe loading of .keras files with emorec's metadata."""

import json
import tempfile
import zipfile
from pathlib import Path

import keras

from emorec.atomic_files import written_whole
from emorec.errors import ModelError
from emorec.metadata import ModelMetadata
from emorec.modeling.hdf5_weights import count_values
from emorec.modeling.keras_config import build, refuse_code
from emorec.models import keras_archive


def save_model(model: keras.Model, metadata: ModelMetadata, path: Path) -> None:
    """Save a model with its metadata as a .keras file, atomically.

    Raises:
        DataError: The file cannot be written.
    """
    with written_whole(path) as partial:
        model.save(partial)
        with zipfile.ZipFile(partial, "a") as archive:
            archive.writestr(keras_archive.METADATA, metadata.to_json())


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
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / keras_archive.WEIGHTS
        with keras_archive.open_archive(path) as archive:
            try:
                config = json.loads(keras_archive.read_member(archive, keras_archive.CONFIG, path))
            except (ValueError, RecursionError) as error:
                raise ModelError(
                    f"{path}: its {keras_archive.CONFIG} is not JSON ({error})"
                ) from error
            refuse_code(config, str(path))
            metadata = ModelMetadata.from_json(
                keras_archive.read_member(archive, keras_archive.METADATA, path).decode("utf-8"),
                str(path),
            )
            keras_archive.extract_weights(archive, path, weights)
        model = build(config, count_values(weights, path), str(path))
        try:
            model.load_weights(weights)
        # As for a damaged configuration.
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
