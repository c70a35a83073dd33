import keras
import pytest

from emorec.cli.keras_backend import load_keras
from emorec.errors import ConfigError
from emorec.training.distribution import ALONE


def test_keras_is_loaded_for_one_device() -> None:
    assert load_keras() == ALONE


def test_an_unknown_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "abacus")
    with pytest.raises(ConfigError, match=r"one of tensorflow, jax, torch; .*'abacus'"):
        load_keras()


def test_a_backend_that_cannot_distribute_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(ConfigError, match="--distribute needs the JAX backend; received torch"):
        load_keras("devices")


@pytest.mark.parametrize(("arch", "configured"), [(None, []), ("vgg16", ["vgg16"])])
def test_onednn_is_configured_for_a_training(
    arch: str | None, configured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found: list[str] = []
    monkeypatch.setattr("emorec.training.onednn.configure_onednn", found.append)
    load_keras(arch=arch)
    assert found == configured
