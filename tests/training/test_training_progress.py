import sys

import pytest

from emorec.training.training_progress import ProgressOptions


def test_a_missing_tensorboard_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert not ProgressOptions().tensorboard
    with pytest.raises(ImportError, match="tensorboard"):
        ProgressOptions(tensorboard=True)
