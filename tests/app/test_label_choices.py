"""Labels to choose from are names of classes."""

import pytest

from emorec.app.label_choices import are_emotions, checked_labels, most_labels
from emorec.errors import ConfigError


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([], "choose 2 to 30 labels; received 0"),
        (["smile"], "received 1"),
        ([f"label {number}" for number in range(31)], "received 31"),
        (["smile", ""], "'' cannot be a label"),
        (["smile", "a/b"], "'a/b' cannot be a label"),
        (["smile", ".."], "cannot be a label"),
        (["smile", "a\nb"], "cannot be a label"),
        (["smile", "=1+1"], "'=1\\+1' cannot be a label"),
        (["smile", "a,b"], "cannot be a label"),
        (["smile", "x" * 101], "cannot be a label"),
        (["smile", "Smile"], "two labels are equal"),
        (["anger", "angry"], "two labels are equal"),
    ],
)
def test_bad_labels(labels, message: str):
    with pytest.raises(ConfigError, match=message):
        checked_labels(labels)


@pytest.mark.parametrize(
    ("labels", "names", "most"),
    [
        ([" smile ", "no smile"], ("smile", "no smile"), 1),
        (["Anger", "joy"], ("angry", "happy"), 3),
        (["joy", "bored"], ("joy", "bored"), 1),  # own labels stay as they are spelt
        (["été", "笑"], ("été", "笑"), 1),
    ],
)
def test_labels(labels, names, most: int):
    assert checked_labels(labels) == names
    assert most_labels(names) == most
    assert are_emotions(names) == (most == 3)
