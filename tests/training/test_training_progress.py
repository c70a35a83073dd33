import sys

import pytest

from emorec.training.training_progress import ProgressOptions


def test_a_missing_tensorboard_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert not ProgressOptions().tensorboard
    with pytest.raises(ImportError, match="tensorboard"):
        ProgressOptions(tensorboard=True)


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_missing_tracker_is_an_error_at_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModuleNotFoundError, match=name) as error:
        ProgressOptions(track=(name,))
    assert error.value.name == name
