import json
from pathlib import Path

import numpy as np
import pytest

from emorec.datasets.manifest import Examples
from emorec.errors import ConfigError, DataError
from emorec.evaluation.label_matching import check_label_map, match_examples, score_all_classes
from emorec.labels import EMOTIONS_7, EMOTIONS_8, VOTE_CLASSES


def examples(names: tuple[str, ...], labels: list[int], votes: bool = False) -> Examples:
    targets = np.eye(len(names), dtype=np.float32)[labels]
    paths = [Path(f"{number}.png") for number in range(len(labels))]
    counts = np.ones((len(labels), len(VOTE_CLASSES)), np.int64) if votes else None
    return Examples(paths, targets, names, counts, np.array([f"p{n}" for n in labels]))


def test_equal_classes_leave_everything_as_it_is() -> None:
    given = examples(EMOTIONS_7, [0, 3, 6], votes=True)
    ((found, matching),) = match_examples(given, [EMOTIONS_7], {}, None, "data")
    assert found.paths == given.paths
    assert found.class_names == EMOTIONS_7
    np.testing.assert_array_equal(found.targets, given.targets)
    assert found.votes is not None
    assert matching.to_lines() == []
    assert (matching.left_out, matching.unknown, matching.removed) == ({}, (), ())


def test_images_of_unknown_classes_are_left_out_and_counted() -> None:
    given = examples(("happy", "bored", "Sadness", "amused"), [0, 1, 2, 1, 0])
    ((found, matching),) = match_examples(given, [EMOTIONS_7], {}, None, "data")
    assert [path.stem for path in found.paths] == ["0", "2", "4"]
    assert found.class_names == ("happy", "sad")
    assert found.targets.argmax(axis=1).tolist() == [0, 1, 0]
    assert found.groups is not None
    assert found.groups.tolist() == ["p0", "p2", "p0"]
    assert matching.left_out == {"bored": 2}  # amused has no image
    assert matching.unknown == ("bored", "amused")
    assert matching.removed == ("angry", "disgust", "fear", "neutral", "surprise")
    assert matching.to_lines() == [
        "Labels of the data set count as classes of the model: Sadness as sad.",
        "2 images of the split are left out, because their labels are not evaluated: bored (2).",
        "The model lacks: bored, amused.",
        "Removed from the answer of the model, and the rest renormalised: angry, disgust, fear, "
        "neutral, surprise.",
    ]


def test_several_labels_may_be_one_class() -> None:
    given = examples(("smile", "grin", "no"), [0, 1, 2, 1])
    names = {"smile": "happy", "grin": "joy", "no": "neutral", "elsewhere": "sad"}
    ((found, matching),) = match_examples(given, [EMOTIONS_7], names, None, "data")
    assert found.class_names == ("happy", "neutral")
    assert found.targets.tolist() == [[1, 0], [1, 0], [0, 1], [1, 0]]
    assert matching.classes == {"smile": "happy", "grin": "happy", "no": "neutral"}


def test_all_models_have_the_same_images_under_their_own_names() -> None:
    own = ("Joy", "neutral", "sad")
    given = examples(EMOTIONS_8, [3, 7, 4, 5, 0])
    (first, a), (second, b) = match_examples(given, [EMOTIONS_8, own], {}, None, "data")
    assert first.paths == second.paths
    assert first.class_names == ("happy", "neutral", "sad")
    assert second.class_names == ("Joy", "neutral", "sad")
    np.testing.assert_array_equal(first.targets, second.targets)
    assert a.left_out == b.left_out == {"angry": 1, "contempt": 1}
    assert (a.unknown, b.removed) == ((), ())
    assert b.unknown == ("angry", "disgust", "fear", "surprise", "contempt")
    assert "contempt" in a.removed


@pytest.mark.parametrize(("classes", "left_out"), [(7, {"contempt": 1}), (8, {})])
def test_the_number_of_classes(classes: int, left_out: dict[str, int]) -> None:
    given = examples(EMOTIONS_8, [0, 7], votes=True)
    ((found, matching),) = match_examples(given, [EMOTIONS_8], {}, classes, "data")
    assert len(found.class_names) == classes
    assert found.votes is not None
    assert matching.left_out == left_out


@pytest.mark.parametrize(
    ("names", "labels", "models", "error", "message"),
    [
        (("cat", "dog"), [0], [EMOTIONS_7], ConfigError, "fewer than two classes in common"),
        (("happy", "dog"), [0], [EMOTIONS_7], ConfigError, "--map matches labels"),
        (("happy", "sad", "dog"), [2], [EMOTIONS_7], DataError, "no image of the split has one"),
        (
            ("anger", "angry", "sad"),
            [0],
            [("angry", "sad"), ("anger", "angry", "sad")],
            ConfigError,
            "one class of one model and two of another",
        ),
    ],
)
def test_classes_that_cannot_be_matched(names, labels, models, error, message) -> None:
    with pytest.raises(error, match=f"^data: .*{message}") as caught:
        match_examples(examples(names, labels), models, {}, None, "data")
    assert "\n" not in str(caught.value)


def test_each_entry_of_a_map_suits_a_data_set_and_a_model() -> None:
    labels, models = [("smile", "no"), ("bored",)], [EMOTIONS_7, ("calm", "tense")]
    check_label_map({}, labels, models)
    check_label_map({"smile": "happy", "bored": "calm"}, labels, models)
    with pytest.raises(ConfigError, match="unknown label of the data set 'smil'; did you mean"):
        check_label_map({"smil": "happy"}, labels, models)
    with pytest.raises(ConfigError, match="unknown label of the models 'hapy'; did you mean"):
        check_label_map({"smile": "hapy"}, labels, models)


def test_metrics_with_all_classes_of_the_model() -> None:
    given = examples(("happy", "sad"), [0, 0, 1, 1])
    answers = ["happy", "angry", "sad", "happy"]
    probabilities = np.eye(7)[[EMOTIONS_7.index(name) for name in answers]]
    found = score_all_classes(probabilities, EMOTIONS_7, given)
    assert (found.accuracy, found.balanced_accuracy, found.answers_outside) == (0.5, 0.5, 0.25)
    assert found.accuracy_interval[0] <= 0.5 <= found.accuracy_interval[1]
    json.dumps(found.__dict__)
