"""Everything that is measured about one model on one split, from its logits."""

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emorec.datasets.manifest import Examples
from emorec.evaluation.agreement import GroupScores, VoteAgreement, group_scores, vote_agreement
from emorec.evaluation.calibration import (
    CoveragePoint,
    ReliabilityBin,
    TwoFold,
    coverage_curve,
    reliability,
    two_fold,
)
from emorec.evaluation.metrics import Probabilities, Scores, score
from emorec.evaluation.mistakes import Mistake, confident_mistakes
from emorec.images import Image
from emorec.metadata import ModelMetadata
from emorec.probabilities import prior_offsets, probabilities_from_logits

TAUS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class PriorScores:
    """What taking tau times the training prior out does to the figures."""

    tau: float
    accuracy: float
    balanced_accuracy: float


@dataclass(frozen=True)
class Evaluation:
    """What a model reached on a split.

    Attributes:
        model: Its file.
        metadata: Of the model.
        examples: The images and targets it was scored on.
        probabilities: Shape (n, classes), in the order of the examples' class names.
        tau: How much of the training prior was taken out.
        flip: The logits are the mean over each image and its mirror image.
        scores: The figures.
        reliability: Confidence and accuracy, bin by bin.
        two_fold: Calibration with temperatures fitted on the other half; None for one image.
        coverage: Coverage and accuracy over the least confidence.
        priors: Figures over tau; empty if the model does not know its prior.
        votes: Against the votes; None where the data set has none.
        groups: By group; empty without groups.
        mistakes: Those with the highest confidence.
    """

    model: Path
    metadata: ModelMetadata
    examples: Examples
    probabilities: Probabilities
    tau: float
    flip: bool
    scores: Scores
    reliability: tuple[ReliabilityBin, ...]
    two_fold: TwoFold | None
    coverage: tuple[CoveragePoint, ...]
    priors: tuple[PriorScores, ...]
    votes: VoteAgreement | None
    groups: tuple[GroupScores, ...]
    mistakes: tuple[Mistake, ...]

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """Whether the most probable class is the label, shape (n,)."""
        found = self.probabilities.argmax(axis=1) == self.examples.targets.argmax(axis=1)
        return np.asarray(found)

    def to_dict(self) -> dict[str, Any]:
        """Give the figures as native types, for JSON."""
        bins = [
            {name: None if math.isnan(value) else value for name, value in asdict(entry).items()}
            for entry in self.reliability
        ]
        return {
            "model": str(self.model),
            "name": self.metadata.name,
            "version": self.metadata.version,
            "temperature": self.metadata.temperature,
            "tau": self.tau,
            "flip": self.flip,
            **self.scores.to_dict(),
            "reliability": bins,
            "two_fold_calibration": self.two_fold and asdict(self.two_fold),
            "coverage": [asdict(point) for point in self.coverage],
            "priors": [asdict(entry) for entry in self.priors],
            "votes": self.votes and asdict(self.votes),
            "groups": [asdict(entry) for entry in self.groups],
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
        }


def assess(
    model: Path,
    metadata: ModelMetadata,
    examples: Examples,
    images: Image,
    logits: npt.NDArray[Any],
    tau: float = 0.0,
    flip: bool = False,
    groups: npt.NDArray[np.str_] | None = None,
) -> Evaluation:
    """Measure a model by its logits.

    Args:
        model: Its file, for the report.
        metadata: Of the model; its labels hold all class names of the examples. Labels beyond
            those are left out and the rest renormalised.
        examples: The images with their targets, n of them.
        images: As the model saw them, shape (n, size, size, channels), uint8, RGB order.
        logits: Shape (n, labels of the model).
        tau: How much of the training prior is taken out.
        flip: Whether the logits are means over mirrored images, for the report.
        groups: Shape (n,): group of each image, if it has one.

    Raises:
        ConfigError: There are too many groups.
    """
    names, targets = examples.class_names, examples.targets
    columns = [metadata.labels.index(name) for name in names]
    logits = logits[:, columns]

    def offsets(strength: float) -> npt.NDArray[np.float64]:
        return prior_offsets(metadata, strength)[columns]

    probabilities = probabilities_from_logits(logits, metadata.temperature, offsets(tau))
    priors = []
    for strength in sorted({*TAUS, tau}) if metadata.prior else ():
        found = probabilities_from_logits(logits, metadata.temperature, offsets(strength))
        scores = score(found, targets, names)
        priors.append(PriorScores(strength, scores.accuracy, scores.balanced_accuracy))
    votes = examples.votes
    return Evaluation(
        model=model,
        metadata=metadata,
        examples=examples,
        probabilities=probabilities,
        tau=tau,
        flip=flip,
        scores=score(probabilities, targets, names),
        reliability=reliability(probabilities, targets),
        two_fold=two_fold(logits, targets, offsets(tau)),
        coverage=coverage_curve(probabilities, targets),
        priors=tuple(priors),
        votes=None if votes is None else vote_agreement(probabilities, targets, votes, len(names)),
        groups=() if groups is None else group_scores(probabilities, targets, names, groups),
        mistakes=confident_mistakes(probabilities, examples, images),
    )
