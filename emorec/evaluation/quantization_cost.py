"""Cost of the quantisation of a model: size, accuracy, probabilities and time."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from emorec.datasets.manifest import PreparedDataset
from emorec.errors import ModelError
from emorec.evaluation.assessment import Evaluation
from emorec.evaluation.evaluate import evaluate
from emorec.inference.model_speed import milliseconds_per_face
from emorec.threads import ProgressCallback


@dataclass(frozen=True)
class QuantizationCost:
    """A model before and after its quantisation to int8.

    Attributes:
        evaluations: Evaluations of both on the same validation images.
        sizes: Sizes of both files in bytes.
        milliseconds: Median time of both for one face, on one thread.
    """

    evaluations: tuple[Evaluation, Evaluation]
    sizes: tuple[int, int]
    milliseconds: tuple[float, float]

    @property
    def lost_points(self) -> float:
        """Accuracy lost, in percentage points; negative if it rose."""
        before, after = self.evaluations
        return 100 * (before.scores.accuracy - after.scores.accuracy)

    @property
    def largest_difference(self) -> float:
        """The largest difference of a probability of an image."""
        before, after = self.evaluations
        return float(np.abs(before.probabilities - after.probabilities).max())

    def check(self, most_points: float) -> None:
        """Check that the accuracy fell by at most `most_points` percentage points.

        Raises:
            ModelError: It fell by more.
        """
        if self.lost_points > most_points:
            before, after = (entry.scores.accuracy for entry in self.evaluations)
            raise ModelError(
                f"the accuracy falls from {before:.4f} to {after:.4f}, by {self.lost_points:.2f} "
                f"points (limit {most_points:g}); the int8 model is not written; --max-loss sets "
                "the limit, and more calibration images may help"
            )


def measure_quantization(
    before: Path,
    after: Path,
    data: PreparedDataset,
    *,
    limit: int | None = None,
    progress: ProgressCallback | None = None,
) -> QuantizationCost:
    """Measure two models on the validation split, each with its own default prior.

    Args:
        before: A model file.
        after: The same model, quantised.
        data: A prepared data set.
        limit: Evaluate at most this number of images, spread over the split.
        progress: Called at intervals with the number of images done and their total.

    Raises:
        ConfigError: The classes of the models and of the data differ.
        DataError: An image is missing or damaged.
        ModelError: A model is missing or damaged.
    """
    first, second = evaluate([before, after], data, "validation", limit=limit, progress=progress)
    times = milliseconds_per_face(before, after)
    return QuantizationCost(
        (first, second), (before.stat().st_size, after.stat().st_size), (times[0], times[1])
    )
