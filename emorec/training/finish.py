"""Writes the models, figures and metrics of a run from the weights of its best epoch."""

import csv
import io
import itertools
import logging
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from emorec import __version__
from emorec.atomic_files import write_bytes, write_json
from emorec.evaluation.assessment import Evaluation, assess
from emorec.evaluation.calibration import shrunk_temperature
from emorec.evaluation.metrics import Scores
from emorec.evaluation.plots import draw_confusion_matrix, draw_curves, draw_reliability
from emorec.evaluation.report import OUT_OF_FOLD, TrainingHistory, render
from emorec.export.onnx import export_onnx
from emorec.export.parity import FACES
from emorec.metadata import ModelMetadata
from emorec.modeling.flip_ensemble import flip_averaged
from emorec.modeling.keras_files import save_model
from emorec.table_cells import safe_cell
from emorec.training import run_folder
from emorec.training.balance import learned_prior
from emorec.training.checkpoint import RunState, assign, best_epoch, read_state
from emorec.training.config import TrainConfig
from emorec.training.run_data import COLOR, INTERPOLATION, RunData
from emorec.training.run_model import build
from emorec.training.training_progress import StepProgressCallback

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """Result of a run.

    Attributes:
        folder: The run folder.
        scores: Metrics of the best weights on the validation split.
        best_epoch: Epoch of the best weights, from 1.
        interrupted: Ctrl-C ended the training early.
        calibration_images: Number of images that the temperature of the model rests on.
        tracked: Where the run is tracked, one line for each tracker.
    """

    folder: Path
    scores: Scores
    best_epoch: int
    interrupted: bool
    calibration_images: int | None = None
    tracked: tuple[str, ...] = ()


_STEPS = 6


def finish(
    folder: Path,
    config: TrainConfig,
    data: RunData,
    interrupted: bool = False,
    progress: StepProgressCallback | None = None,
    logits: npt.NDArray[Any] | None = None,
) -> RunResult:
    """Write the models, figures and metrics of a run from its checkpoint.

    The checkpoint is removed at the end, unless the run was interrupted.

    Args:
        folder: The run folder.
        config: Settings of the run.
        data: Examples and images of the run.
        interrupted: The training was ended early.
        progress: Called before every step.
        logits: Logits of the validation images by models that were not trained on them, shape
            (n, classes), where the model of the run was. They calibrate the model, and the figures
            are theirs. None computes those of the model.

    Raises:
        ModelError: Keras and ONNX Runtime disagree; the .keras file and the metrics are kept.
        DataError: A file cannot be written.
    """
    steps = itertools.count(1)

    def begin(step: str) -> None:
        if progress:
            number = next(steps)
            progress(f"{step} (step {number} of {_STEPS})", number - 1, _STEPS)

    begin("evaluating the best epoch")
    state = read_state(folder / run_folder.CHECKPOINT)
    model = best_model(folder, config, data, state)
    split = "validation" if logits is None else OUT_OF_FOLD
    if logits is None:
        logits = np.asarray(model.predict(data.validation_images, batch_size=256, verbose=0))
    begin("computing the metrics")
    evaluation = assess_logits(folder, config, data, logits)
    metadata = evaluation.metadata
    save_model(model, metadata, folder / run_folder.MODEL_KERAS)
    begin("drawing the figures")
    _write_figures(folder, state, evaluation)
    _write_per_class(evaluation.scores, folder / run_folder.PER_CLASS)
    begin("writing the report")
    _write_report(folder, config, state, evaluation, split)
    metrics = _write_metrics(folder, state, model, evaluation, split)
    begin("exporting to ONNX")
    faces = data.validation_images[:FACES]
    difference = export_onnx(
        model,
        metadata,
        faces,
        folder / run_folder.MODEL_ONNX,
        half_weights=config.half_weights,
        before_parity=lambda: begin("comparing Keras and ONNX"),
    )
    _write_parity(folder, metrics, len(faces), difference)
    if not interrupted:
        shutil.rmtree((folder / run_folder.CHECKPOINT).parent)
    return RunResult(
        folder,
        evaluation.scores,
        best_epoch(state.history),
        interrupted,
        metadata.calibration_images,
    )


def best_model(folder: Path, config: TrainConfig, data: RunData, state: RunState) -> keras.Model:
    """Rebuild the model of the best epoch, in float32 whatever the precision of the training."""
    labels = data.validation.class_names
    float32 = config.model_copy(update={"weights": "none", "precision": "float32"})
    model = build(float32, len(labels), config.seed)
    assign(model.weights, state.best, folder / run_folder.CHECKPOINT)
    return flip_averaged(model) if config.flip_average else model


def _metadata(
    name: str, config: TrainConfig, data: RunData, logits: npt.NDArray[Any]
) -> ModelMetadata:
    """Describe the model, with a temperature from the validation split."""
    return ModelMetadata(
        name=name,
        version=config.model_version,
        architecture=config.arch,
        labels=data.validation.class_names,
        color=COLOR,
        input_size=data.validation_images.shape[1],
        interpolation=INTERPOLATION,
        crop_margin=config.crop_margin or 0.0,
        temperature=shrunk_temperature(logits, data.validation.targets),
        training_data=config.training_data or "unspecified",
        license=config.model_license,
        created_with=__version__,
        prior=tuple(learned_prior(data.train.targets, config).tolist()),
        default_prior=config.default_prior,
        align=bool(config.align),
        calibration_images=len(logits),
    )


def assess_logits(
    folder: Path, config: TrainConfig, data: RunData, logits: npt.NDArray[Any]
) -> Evaluation:
    """Calibrate the model of a run on the validation images, and measure it at its default prior.

    Args:
        folder: The run folder.
        config: Settings of the run.
        data: Examples and images of the run.
        logits: Logits of the validation images, shape (n, classes).
    """
    metadata = _metadata(run_folder.model_name(folder, config), config, data, logits)
    return assess(
        folder / run_folder.MODEL_ONNX,
        metadata,
        data.validation,
        images=data.validation_images,
        logits=logits,
        adjustment_strength=metadata.default_prior,
    )


def _write_figures(folder: Path, state: RunState, evaluation: Evaluation) -> None:
    """Write the history and the plots."""
    scores = evaluation.scores
    run_folder.write_history(folder, state.history)
    figures = {
        run_folder.CURVES: draw_curves(state.history),
        run_folder.CONFUSION_MATRIX: draw_confusion_matrix(scores),
        run_folder.RELIABILITY: draw_reliability(evaluation.reliability, scores.calibration_error),
    }
    for name, png in figures.items():
        write_bytes(folder / name, png)


def _write_per_class(scores: Scores, path: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["label", "precision", "recall", "f1", "roc_auc", "images"])
    for entry in scores.per_class:
        figures = [f"{value:.4f}" for value in (entry.precision, entry.recall, entry.f1)]
        area = "" if entry.roc_auc is None else f"{entry.roc_auc:.4f}"
        writer.writerow([safe_cell(entry.label), *figures, area, entry.images])
    write_bytes(path, text.getvalue().encode())


def _write_report(
    folder: Path, config: TrainConfig, state: RunState, evaluation: Evaluation, split: str
) -> None:
    history = TrainingHistory(state.history, best_epoch(state.history), config.to_yaml())
    page = render([evaluation], config.training_data or "the data set", split, history)
    write_bytes(folder / run_folder.REPORT, page.encode())


def _write_metrics(
    folder: Path, state: RunState, model: keras.Model, evaluation: Evaluation, split: str
) -> dict[str, Any]:
    """Write metrics.json, as yet without the parity of the two model files."""
    best = best_epoch(state.history)
    metrics = {
        "split": split,
        "best_epoch": best,
        "epochs": state.epoch,
        "parameters": model.count_params(),
        **evaluation.to_dict(),
    }
    write_json(folder / run_folder.METRICS, metrics)
    _log.info("%s accuracy %.4f, epoch %d", split, evaluation.scores.accuracy, best)
    return metrics


def _write_parity(folder: Path, metrics: Mapping[str, Any], faces: int, difference: float) -> None:
    """Add the largest difference between Keras and the ONNX file to metrics.json."""
    parity = {"faces": faces, "largest_probability_difference": difference}
    write_json(folder / run_folder.METRICS, {**metrics, "parity": parity})
    _log.info("Keras and ONNX differ by %.1e in a probability at most", difference)
