"""Turns the best weights of a run into its model files, figures and pictures."""

import csv
import io
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emorec import __version__
from emorec.atomic_files import write_bytes, write_json
from emorec.evaluation.assessment import assess
from emorec.evaluation.calibration import fit_temperature
from emorec.evaluation.metrics import Scores
from emorec.evaluation.plots import draw_confusion_matrix, draw_curves, draw_reliability
from emorec.evaluation.report import TrainingHistory, render
from emorec.export.onnx import export_onnx
from emorec.export.parity import FACES
from emorec.metadata import ModelMetadata
from emorec.modeling.flip_ensemble import flip_averaged
from emorec.modeling.keras_files import save_model
from emorec.training import run_folder
from emorec.training.balance import learned_prior
from emorec.training.checkpoint import assign, best_epoch, read_state
from emorec.training.config import TrainConfig
from emorec.training.setup import COLOR, INTERPOLATION, RunData, build, partner

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RunResult:
    """What a run reached.

    Attributes:
        folder: The run folder.
        scores: Of the best weights, on the validation split.
        best_epoch: The epoch they come from.
        interrupted: Ctrl-C ended the training early.
    """

    folder: Path
    scores: Scores
    best_epoch: int
    interrupted: bool


def finish(
    folder: Path, config: TrainConfig, datasets: RunData, interrupted: bool = False
) -> RunResult:
    """Write the models, figures and pictures of a run from its checkpoint.

    The model is built anew in float32, whatever precision it was trained in. The checkpoint of a
    run that was not interrupted has served then, and is removed.

    Raises:
        ModelError: Keras and ONNX Runtime disagree; the .keras file and the figures are kept.
        DataError: A file cannot be written.
    """
    labels = datasets.validation.class_names
    plain = config.model_copy(update={"weights": "none", "precision": "float32"})
    model = build(plain, len(labels))
    checkpoint = folder / run_folder.CHECKPOINT
    state = read_state(checkpoint)
    assign(model.weights, state.best, checkpoint)
    if config.flip_average:
        other = partner(config, labels, model.input_shape)
        model = flip_averaged(other, model) if other else flip_averaged(model)
    targets = datasets.validation.targets
    logits = np.asarray(model.predict(datasets.validation_images, batch_size=256, verbose=0))
    metadata = ModelMetadata(
        name=config.model_name or f"emorec-{config.arch}",
        version=config.model_version,
        architecture=config.arch,
        labels=labels,
        color=COLOR,
        input_size=model.input_shape[1],
        interpolation=INTERPOLATION,
        crop_margin=config.crop_margin,
        temperature=fit_temperature(logits, targets),
        training_data=config.training_data or "unspecified",
        license=config.model_license,
        created_with=__version__,
        prior=tuple(learned_prior(datasets.train.targets, config).tolist()),
        default_prior=config.default_prior,
    )
    save_model(model, metadata, folder / run_folder.MODEL_KERAS)
    best = best_epoch(state.history)
    found = assess(
        folder / run_folder.MODEL_ONNX,
        metadata,
        datasets.validation,
        images=datasets.validation_images,
        logits=logits,
        adjustment_strength=metadata.default_prior,
    )
    scores = found.scores
    run_folder.write_history(folder, state.history)
    matrix = draw_confusion_matrix(scores)
    diagram = draw_reliability(found.reliability, scores.calibration_error)
    write_bytes(folder / run_folder.CURVES, draw_curves(state.history))
    write_bytes(folder / run_folder.CONFUSION_MATRIX, matrix)
    write_bytes(folder / run_folder.RELIABILITY, diagram)
    _write_per_class(scores, folder / run_folder.PER_CLASS)
    run = TrainingHistory(state.history, best, config.to_yaml())
    page = render([found], config.training_data or "the data set", "validation", run)
    write_bytes(folder / run_folder.REPORT, page.encode())
    figures = {
        "split": "validation",
        "best_epoch": best,
        "epochs": state.epoch,
        "parameters": model.count_params(),
        **found.to_dict(),
    }
    write_json(folder / run_folder.METRICS, figures)
    _log.info("validation accuracy %.4f of epoch %d", scores.accuracy, best)
    faces = datasets.validation_images[:FACES]
    target = folder / run_folder.MODEL_ONNX
    difference = export_onnx(model, metadata, faces, target, half_weights=config.half_weights)
    parity = {"faces": len(faces), "largest_probability_difference": difference}
    write_json(folder / run_folder.METRICS, {**figures, "parity": parity})
    _log.info("Keras and ONNX differ by %.1e in a probability at most", difference)
    if not interrupted:
        shutil.rmtree(checkpoint.parent)
    return RunResult(folder, scores, best, interrupted)


def _write_per_class(scores: Scores, path: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["label", "precision", "recall", "f1", "roc_auc", "images"])
    for entry in scores.per_class:
        figures = [f"{value:.4f}" for value in (entry.precision, entry.recall, entry.f1)]
        area = "" if entry.roc_auc is None else f"{entry.roc_auc:.4f}"
        writer.writerow([entry.label, *figures, area, entry.images])
    write_bytes(path, text.getvalue().encode())
