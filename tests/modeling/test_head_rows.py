from pathlib import Path

import keras
import numpy as np
import pytest
from helpers.metadata_example import METADATA
from hypothesis import given
from hypothesis import strategies as st

from emorec.errors import ConfigError
from emorec.labels import EMOTIONS_7, EMOTIONS_8, label_key
from emorec.modeling.build import build_classifier
from emorec.modeling.flip_ensemble import flip_averaged
from emorec.modeling.head_rows import HeadRows, copy_rows, match_labels
from emorec.modeling.keras_files import save_model

pytestmark = pytest.mark.usefixtures("quick_network")


def matched(labels, trained, label_map=None) -> HeadRows:
    found = match_labels(labels, trained, label_map or {})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("labels", "trained", "label_map", "kept"),
    [
        ((), EMOTIONS_7, {}, {}),
        (("bored", "amused"), EMOTIONS_7, {}, {}),
        (("happy", "sad"), EMOTIONS_8, {}, {"happy": "happy", "sad": "sad"}),
        (("Joy", "ANGER", "bored"), EMOTIONS_8, {}, {"Joy": "happy", "ANGER": "angry"}),
        (("happy", "x"), ("Happiness", "y"), {}, {"happy": "Happiness"}),
        # An equal spelling precedes another one.
        (("anger", "angry"), ("angry", "anger"), {}, {"anger": "anger", "angry": "angry"}),
        (("smile", "no smile"), EMOTIONS_7, {"Smile": "joy"}, {"smile": "happy"}),
        # The map precedes the name, and a trained row can be taken twice.
        (
            ("happy", "grin"),
            EMOTIONS_7,
            {"happy": "sad", "grin": "sad"},
            dict.fromkeys(("happy", "grin"), "sad"),
        ),
    ],
)
def test_the_trained_label_of_each_label(labels, trained, label_map, kept) -> None:
    found = matched(labels, trained, label_map)
    assert dict(found.kept) == kept
    assert found.new == tuple(label for label in labels if label not in kept)


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        (
            {"smil": "happy"},
            "unknown label of the data set 'smil'; did you mean 'smile'. choose one of smile, no",
        ),
        ({"smile": "hapy"}, "unknown label of the initial weights 'hapy'; did you mean 'happy'"),
        ({"": "happy"}, "unknown label of the data set ''; choose one of"),
        ({"smile": "happy", "SMILE": "sad"}, "the label 'smile' occurs twice"),
        ({"x" * 500: "happy"}, "unknown label of the data set 'xxx"),
    ],
)
def test_a_map_that_does_not_fit(label_map, message) -> None:
    with pytest.raises(ConfigError, match=f"^label_map: {message}") as caught:
        match_labels(("smile", "no smile"), EMOTIONS_7, label_map)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_weights_without_labels() -> None:
    assert match_labels(EMOTIONS_7, None, {}) is None
    with pytest.raises(ConfigError, match="label_map needs initial weights with labels"):
        match_labels(EMOTIONS_7, None, {"happy": "sad"})


def test_the_text_names_what_is_kept_and_what_is_new() -> None:
    text = matched(("joy", "sad", "bored"), EMOTIONS_7).to_text()
    assert text == "the head keeps 2 of its 3 rows: joy (from happy), sad; new: bored"
    assert matched(("sad", "happy"), EMOTIONS_7).to_text() == (
        "the head keeps 2 of its 2 rows: sad, happy"
    )
    none = matched(("a", "b"), ("c", "d")).to_text()
    assert none.startswith("all 2 rows of the head are new: none of its labels (a, b)")
    many = tuple(f"label {number}" for number in range(1000))
    assert len(matched(many, many).to_text()) < 500


labels_of_a_head = st.lists(
    st.one_of(st.sampled_from(["Anger", *EMOTIONS_8]), st.text("abyAB ", max_size=4)),
    min_size=1,
    max_size=8,
    unique=True,
)


@given(labels_of_a_head, labels_of_a_head)
def test_labels_match_if_and_only_if_their_keys_do(labels: list[str], trained: list[str]) -> None:
    found = matched(labels, trained)
    keys = {label_key(label) for label in trained}
    assert set(found.kept) == {label for label in labels if label_key(label) in keys}
    assert all(label_key(new) == label_key(old) for new, old in found.kept.items())


def test_the_rows_of_the_matches_are_copied() -> None:
    heads = [keras.layers.Dense(count) for count in (3, 2)]
    for head in heads:
        head.build((None, 4))
    kernel, bias = np.arange(8.0).reshape(4, 2), np.array([1.0, 2.0])
    heads[1].set_weights([kernel, bias])
    before = heads[0].get_weights()[0]
    copy_rows(heads[0], heads[1], matched(("b", "new", "a"), ("a", "b")))
    found_kernel, found_bias = heads[0].get_weights()
    np.testing.assert_array_equal(found_kernel[:, [2, 0]], kernel)
    np.testing.assert_array_equal(found_kernel[:, 1], before[:, 1])
    assert found_bias.tolist() == [2, 0, 1]


@pytest.fixture(scope="module")
def trained(
    quick_network: None, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, keras.Model]]:
    """The file and the model of a classifier of the seven emotions, plain and flip-averaging."""
    plain = build_classifier("compact", 7, 24)
    found = {}
    for kind, model in (("plain", plain), ("flip", flip_averaged(plain))):
        found[kind] = (tmp_path_factory.mktemp("trained") / f"{kind}.keras", model)
        save_model(model, METADATA, found[kind][0])
    return found


@pytest.mark.parametrize(
    ("kind", "labels", "label_map"),
    [
        ("plain", EMOTIONS_7, {}),
        ("plain", EMOTIONS_7[::-1], {}),
        ("plain", ("Anger", "joy", "bored"), {}),
        ("plain", (*EMOTIONS_7, "contempt"), {}),
        ("flip", ("smile", "no smile", "SAD"), {"smile": "happy"}),
        ("plain", ("bored", "amused"), {}),
    ],
)
def test_before_training_a_model_answers_as_its_initial_weights_on_the_labels_of_both(
    trained: dict[str, tuple[Path, keras.Model]],
    kind: str,
    labels: tuple[str, ...],
    label_map: dict[str, str],
) -> None:
    path, whole = trained[kind]
    model = build_classifier("compact", labels, 24, weights=str(path), label_map=label_map)
    images = np.random.default_rng(0).uniform(0, 255, (4, 24, 24, 1)).astype(np.float32)
    found = np.asarray((flip_averaged(model) if kind == "flip" else model)(images))
    expected = np.asarray(whole(images))
    for label, old in matched(labels, EMOTIONS_7, label_map).kept.items():
        column = expected[:, EMOTIONS_7.index(old)]
        np.testing.assert_allclose(found[:, labels.index(label)], column, atol=1e-5)
    assert np.isfinite(found).all()
    assert np.ptp(found, axis=1).min() > 0
