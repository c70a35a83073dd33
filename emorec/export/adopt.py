"""Adoption of an ONNX model from elsewhere: it gets emorec's input, outputs and metadata."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emorec.atomic_files import write_bytes
from emorec.errors import ModelError
from emorec.export.adopted_graph import ForeignModel, GraphWrapper
from emorec.export.foreign_graph import find_output, input_form
from emorec.inference.base import Floats
from emorec.inference.classifier import EmotionClassifier
from emorec.metadata import METADATA_KEY, ModelMetadata
from emorec.models.files import MAX_FILE_BYTES
from emorec.models.onnx_graph import read_graph
from emorec.models.onnx_limits import check_graph
from emorec.models.onnx_properties import read_properties

_IMAGES = 4
_SUM_TOLERANCE = 1e-3
_BATCH_TOLERANCE = 1e-3


@dataclass(frozen=True)
class AdoptedModel:
    """What was written.

    Attributes:
        metadata: The metadata.
        layout: Layout of the foreign input.
        output: What the foreign output is: "logits" or "probabilities".
    """

    metadata: ModelMetadata
    layout: str
    output: str


def adopt(source: Path, model: ForeignModel, target: Path) -> AdoptedModel:
    """Write a foreign model as a file that emorec runs, after running it on noise.

    Args:
        source: The ONNX file, which is not changed.
        model: What it expects and returns.
        target: The .onnx file, written atomically.

    Raises:
        ModelError: The file is missing, no ONNX file, has metadata of emorec already or exceeds
            the limits for models; it does not fit what `model` says; or its output does not depend
            on the image, or on the other images of a batch.
        DataError: The target cannot be written.
    """
    data = _read(source)
    try:
        graph = read_graph(data)
        form = input_form(graph, model.size, model.color, model.layout, str(source))
        check_graph(data, form.shape)
    except ValueError as error:
        raise ModelError(f"{source}: the model is refused: {error}") from error
    for name, values in (("mean", model.mean), ("std", model.std)):
        if len(values) not in (1, form.channels):
            raise ModelError(
                f"{source}: --{name} has {len(values)} numbers, but the input has {form.channels} "
                f"channel{'s' * (form.channels > 1)}; state 1 or {form.channels}"
            )
    output = find_output(graph, len(model.metadata.labels), model.output_name, str(source))
    metadata = model.metadata.replaced(
        input_size=form.size, color="gray" if form.color == "gray" else "rgb"
    )
    metadata = ModelMetadata.from_json(metadata.to_json(), str(source))  # which validates it
    wrapper = GraphWrapper(source, data, form, model, output, metadata)

    adopted = wrapper.wrapped("logits")
    rows = _run(adopted, metadata, source)
    sums_to_one = bool((abs(rows.sum(axis=1) - 1) < _SUM_TOLERANCE).all())
    kind = "probabilities" if (rows >= 0).all() and sums_to_one else "logits"
    if model.output not in (None, kind):
        raise ModelError(
            f"{source}: the output {output!r} was said to be {model.output}, but its values on "
            f"noise are {kind}, such as {_numbers(rows[0])}; correct --output or --output-name"
        )
    if kind == "probabilities":
        adopted = wrapper.wrapped(kind)
        _run(adopted, metadata, source)
    write_bytes(target, adopted)
    return AdoptedModel(metadata, form.layout, kind)


def _read(source: Path) -> bytes:
    try:
        size = source.stat().st_size
        if size > MAX_FILE_BYTES:
            raise ModelError(f"{source}: {size / 2**30:.1f} GiB; models up to 1 GiB are read")
        data = source.read_bytes()
        if METADATA_KEY in read_properties(data, (METADATA_KEY,)):
            raise ModelError(
                f"{source}: the model has emorec metadata already; use it as it is, see: emorec "
                "models show"
            )
        return data
    except OSError as error:
        raise ModelError(f"{source}: {error.strerror or error}") from error
    except ValueError as error:
        raise ModelError(f"{source}: not an ONNX file, or a damaged one ({error})") from error


def _run(data: bytes, metadata: ModelMetadata, source: Path) -> Floats:
    """Run an adopted model on noise.

    Returns:
        Logits, shape (`_IMAGES`, classes).

    Raises:
        ModelError: The model cannot run, ignores the image, or mixes the images of a batch.
    """
    shape = (_IMAGES, metadata.input_size, metadata.input_size, metadata.channels)
    images = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
    images *= np.linspace(0.25, 1, _IMAGES, dtype=np.float32)[:, None, None, None]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        path.write_bytes(data)
        try:
            classifier = EmotionClassifier(path)
            alone = np.concatenate([classifier.logits(image[None]) for image in images])
            together = classifier.logits(images)
            classifier.probabilities(images)
        except ModelError as error:
            reason = str(error).removeprefix(f"{path}: ")
            raise ModelError(f"{source}: with emorec's input and outputs, {reason}") from error
    if not np.allclose(alone, together, rtol=_BATCH_TOLERANCE, atol=_BATCH_TOLERANCE):
        raise ModelError(
            f"{source}: in a batch of {_IMAGES} images the model returns other values than for "
            "each image alone; export it with a free batch"
        )
    if float(np.ptp(alone, axis=0).max()) == 0:
        raise ModelError(
            f"{source}: the values of the model do not depend on the image; correct --scale, "
            "--mean, --std or --output-name"
        )
    return alone


def _numbers(row: Floats) -> str:
    return ", ".join(f"{value:.3g}" for value in row)
