from pathlib import Path

import numpy as np
from helpers.metadata_example import METADATA

from emorec.cli.cross_data_text import cross_data_text
from emorec.datasets.manifest import Examples
from emorec.evaluation.assessment import Evaluation, assess
from emorec.evaluation.cross_data import CrossEvaluation
from emorec.evaluation.label_matching import match_examples
from emorec.labels import EMOTIONS_7

TARGETS = np.eye(7, dtype=np.float32)[np.arange(70) % 7]
NAMES = ("anger", *EMOTIONS_7[1:6], "bored")
EXAMPLES = Examples([Path(f"{n}.png") for n in range(70)], TARGETS, NAMES)


def evaluation(name: str, right: int) -> Evaluation:
    """A model that classifies `right` of the 60 images correctly whose class it knows."""
    ((examples, matching),) = match_examples(EXAMPLES, [EMOTIONS_7], {}, None, "data")
    columns = [EMOTIONS_7.index(label) for label in examples.class_names]
    logits = np.zeros((60, 7))
    logits[:, columns] = np.roll(examples.targets, 1, axis=1) * 9
    logits[:right, columns] = examples.targets[:right] * 9
    images = np.zeros((60, 24, 24, 1), np.uint8)
    metadata = METADATA.replaced(name=name, temperature=1.0)
    return assess(
        Path("m.onnx"), metadata, examples, images=images, logits=logits, matching=matching
    )


def test_models_in_rows_and_data_sets_in_columns() -> None:
    columns = [(evaluation("a\x1b", 60), evaluation("b", 30)), (evaluation("a", 45),) * 2]
    found = CrossEvaluation((Path("A"), Path("a-longer-name" * 3)), "test", tuple(columns))
    lines = cross_data_text(found).splitlines()
    assert lines[0] == "2 models on 2 data sets, test split, with 95 % intervals"
    assert "\x1b" not in "".join(lines)
    begin = next(n for n, line in enumerate(lines) if line.startswith("accuracy"))
    assert lines[begin].split() == ["accuracy", "A", "a-longer-name" * 3]
    rows = [line.split() for line in lines[begin + 1 : begin + 3]]
    assert [row[1] for row in rows] == ["1.0000", "0.5000"]
    assert [row[5] for row in rows] == ["0.7500", "0.7500"]
    assert lines[begin + 2].index("0.7500") == lines[begin].index("a-longer")
    assert "macro F1" in "".join(lines)
    assert ["images", "60", "60"] in [line.split() for line in lines]
    assert "A: 6 classes: angry, disgust, fear, happy, neutral, sad" in lines
    assert (
        "  b: 10 images of the split are left out, because their labels are not evaluated: bored "
        "(10)." in lines
    )
    assert any("0.0% of the answers are one of them" in line for line in lines)
