"""All metrics of one model on one split, computed from its logits."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.datasets.manifest import Examples
from emorec.evaluation.agreement import VoteAgreement, vote_agreement
from emorec.evaluation.calibration import (
    CoveragePoint,
    ReliabilityBin,
    TwoFold,
    coverage_curve,
    reliability,
    two_fold,
)
from emorec.evaluation.group_scores import GroupComparison, GroupScores, compare_groups
from emorec.evaluation.label_matching import LabelMatching, score_all_classes
from emorec.evaluation.metrics import Probabilities, Scores, score
from emorec.evaluation.mistakes import Mistake, confident_mistakes
from emorec.images import Image
from emorec.metadata import ModelMetadata
from emorec.probabilities import prior_offsets, probabilities_from_logits

ADJUSTMENT_STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Strengths of the logit adjustment that are compared."""


@dataclass(frozen=True)
class AdjustmentScores:
    """Metrics for one strength of the logit adjustment."""

    strength: float
    accuracy: float
    balanced_accuracy: float

    def to_dict(self) -> dict[str, float]:
        """Return the metrics as native types, for JSON."""
        return {
            "tau": self.strength,
            "accuracy": self.accuracy,
            "balanced_accuracy": self.balanced_accuracy,
        }


@dataclass(frozen=True)
class Evaluation:
    """Metrics of a model on a split.

    Attributes:
        model: Model file.
        metadata: Metadata of the model.
        examples: The n evaluated images and their targets.
        probabilities: Shape (n, classes), in the order of the examples' class names.
        adjustment_strength: Strength of the logit adjustment.
        flip: Whether the logits are the mean over each image and its mirror image.
        scores: Accuracy and other metrics.
        reliability: Confidence and accuracy by bin of the confidence.
        two_fold: Calibration with temperatures fitted on the other half; None for one image.
        coverage: Coverage and accuracy by minimum confidence.
        adjustments: Metrics by strength of the logit adjustment; empty if the metadata hold no
            prior.
        votes: Agreement with the votes; None if the data set has none.
        group_comparisons: Metrics by group, of each column of groups; empty without groups.
        mistakes: Mistakes with the highest confidence.
        device: Device of the model in ONNX Runtime; None for Keras.
        matching: How the classes of the data and of the model were matched; None if they are the
            same, contempt aside.
    """

    model: Path
    metadata: ModelMetadata
    examples: Examples
    probabilities: Probabilities
    adjustment_strength: float
    flip: bool
    scores: Scores
    reliability: tuple[ReliabilityBin, ...]
    two_fold: TwoFold | None
    coverage: tuple[CoveragePoint, ...]
    adjustments: tuple[AdjustmentScores, ...]
    votes: VoteAgreement | None
    group_comparisons: tuple[GroupComparison, ...]
    mistakes: tuple[Mistake, ...]
    device: str | None = None
    matching: LabelMatching | None = None

    @property
    def groups(self) -> tuple[GroupScores, ...]:
        """Metrics by group, of all columns of groups."""
        return tuple(entry for part in self.group_comparisons for entry in part.groups)

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Whether the most probable class of each image is its label, shape (n,)."""
        found = self.probabilities.argmax(axis=1) == self.examples.targets.argmax(axis=1)
        return np.asarray(found)

    def to_dict(self) -> dict[str, Any]:
        """Return the metrics as native types, for JSON."""
        bins = [
            {name: None if math.isnan(value) else value for name, value in asdict(entry).items()}
            for entry in self.reliability
        ]
        further: dict[str, Any] = {}
        if self.group_comparisons:
            further["group_gaps"] = [part.gaps_to_dict() for part in self.group_comparisons]
        if self.matching is not None:
            further["label_matching"] = self.matching.to_dict()
        return {
            "model": str(self.model),
            "name": self.metadata.name,
            "version": self.metadata.version,
            "temperature": self.metadata.temperature,
            "calibration_images": self.metadata.calibration_images,
            "tau": self.adjustment_strength,
            "flip": self.flip,
            "device": self.device,
            **self.scores.to_dict(),
            "reliability": bins,
            "two_fold_calibration": self.two_fold and asdict(self.two_fold),
            "coverage": [asdict(point) for point in self.coverage],
            "priors": [entry.to_dict() for entry in self.adjustments],
            "votes": self.votes and asdict(self.votes),
            "groups": [
                {"column": part.column, **asdict(entry)}
                for part in self.group_comparisons
                for entry in part.groups
            ],
            "confident_mistakes": [
                {
                    "path": str(entry.path),
                    "label": entry.label,
                    "predicted": entry.predicted,
                    "confidence": entry.confidence,
                    "votes": entry.votes,
                }
                for entry in self.mistakes
            ],
            **further,
        }


def assess(
    model: Path,
    metadata: ModelMetadata,
    examples: Examples,
    *,
    images: Image,
    logits: npt.NDArray[Any],
    adjustment_strength: float = 0.0,
    flip: bool = False,
    groups: Mapping[str, npt.NDArray[np.str_]] | None = None,
    device: str | None = None,
    matching: LabelMatching | None = None,
) -> Evaluation:
    """Compute all metrics of a model from its logits.

    Args:
        model: Model file, for the report.
        metadata: Metadata of the model. Its labels include all class names of the examples; other
            labels are ignored and the rest renormalised.
        examples: n images with their targets.
        images: The images as the model's input, shape (n, size, size, channels), uint8, RGB order.
        logits: Shape (n, labels of the model).
        adjustment_strength: Strength of the logit adjustment.
        flip: Whether the logits are means over mirrored images, for the report.
        groups: Group of each image, shape (n,), by column of the manifest; None without groups.
        device: Device of the model in ONNX Runtime, for the report; None for Keras.
        matching: How the classes were matched; None if they are the same, contempt aside.

    Raises:
        ConfigError: There are too many groups.
    """
    names, targets = examples.class_names, examples.targets
    if matching is not None and matching.removed:
        found = probabilities_from_logits(
            logits, metadata.temperature, prior_offsets(metadata, adjustment_strength)
        )
        kept = score_all_classes(found, metadata.labels, examples)
        matching = replace(matching, all_classes=kept)
    columns = [metadata.labels.index(name) for name in names]
    logits = logits[:, columns]

    def offsets(strength: float) -> npt.NDArray[np.float64]:
        return prior_offsets(metadata, strength)[columns]

    temperature, chosen = metadata.temperature, offsets(adjustment_strength)
    probabilities = probabilities_from_logits(logits, temperature, chosen)
    adjustments = []
    strengths = sorted({*ADJUSTMENT_STRENGTHS, adjustment_strength})
    for strength in strengths if metadata.prior else ():
        found = probabilities_from_logits(logits, temperature, offsets(strength))
        scores = score(found, targets, names)
        adjustments.append(AdjustmentScores(strength, scores.accuracy, scores.balanced_accuracy))
    votes = examples.votes
    return Evaluation(
        model=model,
        metadata=metadata,
        examples=examples,
        probabilities=probabilities,
        adjustment_strength=adjustment_strength,
        flip=flip,
        scores=score(probabilities, targets, names, examples.groups),
        reliability=reliability(probabilities, targets),
        two_fold=two_fold(logits, targets, chosen),
        coverage=coverage_curve(probabilities, targets),
        adjustments=tuple(adjustments),
        votes=None if votes is None else vote_agreement(probabilities, targets, votes, len(names)),
        group_comparisons=tuple(
            compare_groups(probabilities, targets, values, column, examples.groups)
            for column, values in (groups or {}).items()
        ),
        mistakes=confident_mistakes(probabilities, examples, images),
        device=device,
        matching=matching,
    )
