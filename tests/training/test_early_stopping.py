import pytest

from emorec.training.checkpoint import History
from emorec.training.early_stopping import patience_is_exhausted


def rows(accuracies: tuple[float, ...], stages: tuple[int, ...]) -> History:
    pairs = zip(accuracies, stages, strict=True)
    return [
        {"epoch": i, "stage": stage, "val_accuracy": accuracy}
        for i, (accuracy, stage) in enumerate(pairs, 1)
    ]


@pytest.mark.parametrize(
    ("accuracies", "stages", "patience", "expected"),
    [
        ((0.5,), (1,), 1, False),
        ((0.5, 0.5), (1, 1), 1, True),
        ((0.5, 0.4, 0.6), (1, 1, 1), 2, False),
        ((0.5, 0.4, 0.4), (1, 1, 1), 2, True),
        ((0.9, 0.4, 0.5), (1, 1, 2), 1, False),
        ((0.9, 0.4, 0.5, 0.5), (1, 1, 2, 2), 1, True),
    ],
)
def test_patience_counts_within_a_stage(
    accuracies: tuple[float, ...], stages: tuple[int, ...], patience: int, expected: bool
) -> None:
    assert patience_is_exhausted(rows(accuracies, stages), patience) == expected
