"""Means, peaks and shares of a person's values, weighted by time."""

from dataclasses import dataclass, field

from emorec.outputs.session.frame_table import SessionFace


@dataclass
class WeightedMeans:
    """Accumulates the faces of a person; each weighs as long as it is seen.

    Args:
        labels: Number of emotions.

    Attributes:
        seen_s: Time for which the person was seen, in seconds.
        frames: Number of frames.
    """

    labels: int
    seen_s: float = 0.0
    frames: int = 0
    _sums: list[float] = field(init=False)
    _peaks: list[float] = field(init=False)
    _top_s: dict[str, float] = field(default_factory=dict)
    _confidence: float = 0.0
    _size: float = 0.0
    _sharpness: float = 0.0
    _uncertain_s: float = 0.0

    def __post_init__(self) -> None:
        self._sums = [0.0] * self.labels
        self._peaks = [0.0] * self.labels

    def add(self, face: SessionFace, seconds: float, counted: bool = True) -> None:
        """Add a face.

        Args:
            face: The face.
            seconds: For how long it is seen.
            counted: Whether it counts as a frame; false for the rest of one that began earlier.
        """
        self.seen_s += seconds
        self.frames += counted
        for index, value in enumerate(face.probabilities):
            self._sums[index] += seconds * value
            self._peaks[index] = max(self._peaks[index], value)
        self._top_s[face.emotion] = self._top_s.get(face.emotion, 0.0) + seconds
        self._confidence += seconds * face.confidence
        self._size += seconds * face.size
        self._sharpness += seconds * face.sharpness
        self._uncertain_s += seconds * face.uncertain

    @property
    def means(self) -> list[float | None]:
        """Mean probabilities, in the order of the labels; None if the person was not seen."""
        return [self._mean(total) for total in self._sums]

    @property
    def peaks(self) -> list[float | None]:
        """Highest probabilities; None if the person was not seen."""
        return [peak if self.seen_s else None for peak in self._peaks]

    def shares(self, labels: tuple[str, ...]) -> list[float | None]:
        """Return the share of the time seen in which each emotion was the top one."""
        return [self._mean(self._top_s.get(label, 0.0)) for label in labels]

    @property
    def emotion(self) -> str | None:
        """The emotion that was the top one for longest, the earliest of equals; None if unseen."""
        return max(self._top_s, key=self._top_s.__getitem__) if self._top_s else None

    @property
    def confidence(self) -> float | None:
        """Mean confidence."""
        return self._mean(self._confidence)

    @property
    def size(self) -> float | None:
        """Mean face size, in pixels."""
        return self._mean(self._size)

    @property
    def sharpness(self) -> float | None:
        """Mean sharpness."""
        return self._mean(self._sharpness)

    @property
    def uncertain_share(self) -> float | None:
        """Share of the time seen that is uncertain."""
        return self._mean(self._uncertain_s)

    def _mean(self, total: float) -> float | None:
        return total / self.seen_s if self.seen_s else None


def differences(means: list[float | None], baseline: list[float] | None) -> list[float | None]:
    """Return means minus those of the baseline; None where one of them is missing."""
    if baseline is None:
        return [None] * len(means)
    pairs = zip(means, baseline, strict=True)
    return [None if mean is None else mean - base for mean, base in pairs]
