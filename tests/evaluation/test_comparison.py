from pathlib import Path

import numpy as np
import pytest
from helpers.metadata_example import METADATA

from emorec.datasets.manifest import Examples
from emorec.evaluation.assessment import Evaluation, assess
from emorec.evaluation.comparison import pair_tests, titles
from emorec.labels import EMOTIONS_7

TARGETS = np.eye(7, dtype=np.float32)[np.arange(20) % 7]
EXAMPLES = Examples([Path(f"{n}.png") for n in range(20)], TARGETS, EMOTIONS_7)


def evaluation(path: str, right: int, **changes: str) -> Evaluation:
    """A model that classifies the first `right` images correctly."""
    logits = np.roll(TARGETS, 1, axis=1)
    logits[:right] = TARGETS[:right]
    images = np.zeros((20, 24, 24, 1), np.uint8)
    metadata = METADATA.replaced(**changes)
    return assess(Path(path), metadata, EXAMPLES, images=images, logits=logits)


def test_every_pair_is_tested() -> None:
    tests = pair_tests([evaluation("m.onnx", right) for right in (10, 15, 5)])
    assert [(test.first, test.second) for test in tests] == [(0, 1), (0, 2), (1, 2)]
    assert [(t.result.only_first, t.result.only_second) for t in tests] == [(0, 5), (5, 0), (10, 0)]
    assert tests[0].to_dict() == {
        "first": 0,
        "second": 1,
        "only_first": 0,
        "only_second": 5,
        "p_value": tests[0].result.p_value,
    }
    assert pair_tests([evaluation("m.onnx", 3)]) == []


@pytest.mark.parametrize(
    ("models", "expected"),
    [
        ([("a.onnx", {"name": "x"}), ("a.onnx", {"name": "y"})], ["x", "y"]),
        ([("a.onnx", {}), ("a.onnx", {"version": "2"})], ["example 1", "example 2"]),
        ([("a.onnx", {}), ("d/b.onnx", {})], ["a.onnx", "b.onnx"]),
        ([("runs/1/model.onnx", {}), ("runs/2/model.keras", {})], ["1", "2"]),
        ([("c/a.onnx", {}), ("d/a.onnx", {})], ["c/a.onnx", "d/a.onnx"]),
        ([("a.onnx", {}), ("a.onnx", {})], ["1: a.onnx", "2: a.onnx"]),
    ],
)
def test_titles_are_distinct_and_short(models, expected) -> None:
    found = titles([evaluation(path, 10, **changes) for path, changes in models])
    assert [Path(title).as_posix() for title in found] == expected
