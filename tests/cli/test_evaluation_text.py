from pathlib import Path

import numpy as np
import pytest
from helpers.metadata_example import METADATA

from emorec.cli.evaluation_text import comparison_text, evaluation_text
from emorec.datasets.manifest import Examples
from emorec.evaluation.assessment import Evaluation, assess
from emorec.labels import EMOTIONS_7

TARGETS = np.eye(7, dtype=np.float32)[np.arange(70) % 7]
EXAMPLES = Examples([Path(f"{n}.png") for n in range(70)], TARGETS, EMOTIONS_7)
PRIOR = (0.4, 0.2, 0.1, 0.1, 0.1, 0.06, 0.04)


def evaluation(right: int, **options) -> Evaluation:
    """A model that classifies the first `right` of 70 images correctly."""
    logits = np.roll(TARGETS, 1, axis=1) * 9
    logits[:right] = TARGETS[:right] * 9
    images = np.zeros((70, 24, 24, 1), np.uint8)
    metadata = METADATA.replaced(name=f"m{right}", temperature=1.0, prior=PRIOR)
    return assess(Path("m.onnx"), metadata, EXAMPLES, images=images, logits=logits, **options)


def section(text: str, header: str) -> list[list[str]]:
    """The rows below a header, up to the next empty line."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.strip().startswith(header)) + 1
    end = next((n for n in range(start, len(lines)) if not lines[n]), len(lines))
    return [line.split() for line in lines[start:end]]


def test_a_model_that_is_not_better_than_the_majority_label() -> None:
    assert "This model is not better than always predicting 'angry'" in evaluation_text(
        evaluation(11)
    )


def test_one_model() -> None:
    groups = {"side": np.array(["a", "b"] * 35)}
    text = evaluation_text(evaluation(56, groups=groups, adjustment_strength=0.25))
    assert text.startswith("m56 1 on 70 images\n\naccuracy           0.8000  95 %: ")
    assert "\nmajority label     0.1429  share of angry\n" in text
    assert "not better" not in text
    classes = section(text, "precision")
    assert [row[0] for row in classes] == list(EMOTIONS_7)
    assert {row[-1] for row in classes} == {"10"}
    matrix = section(text, "confusion matrix")[1:]
    assert [row[n + 1] for n, row in enumerate(matrix)] == ["8"] * 7
    adjustments = section(text, "logit adjustment")
    assert [row[0] for row in adjustments] == ["0", "0.25", "0.5", "0.75", "1"]
    assert [row[3:] for row in adjustments].index(["<-", "this", "evaluation"]) == 1
    assert section(text, "minimum confidence")[0] == ["0.00", "1.0000", "0.8000"]
    assert [row[:2] for row in section(text, "group by side")] == [["a", "35"], ["b", "35"]]
    assert section(text, "gaps between")[0][:2] == ["accuracy:", "worst"]
    assert "annotators" not in text


@pytest.mark.parametrize("order", [(70, 35), (35, 70)])
def test_several_models(order: tuple[int, int]) -> None:
    text = comparison_text([evaluation(right) for right in order])
    assert text.startswith("2 models on 70 images")
    rows = section(text, "model")
    assert [row[:2] for row in rows] == [[f"m{n}", f"{n / 70:.4f}"] for n in order]
    assert len(section(text, "recall by class")[1]) == 8
    (test,) = section(text, "McNemar")
    only = [str(max(0, order[0] - order[1])), str(max(0, order[1] - order[0]))]
    assert [test[1].strip(","), test[3].strip(",")] == only
