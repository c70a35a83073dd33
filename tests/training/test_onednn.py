import dataclasses
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from emorec.errors import ConfigError
from emorec.modeling.architecture_summary import architecture_summaries
from emorec.training import onednn as module
from emorec.training.onednn import (
    VARIABLE,
    chosen_onednn,
    configure_onednn,
    default_onednn,
    onednn_description,
    uses_onednn,
)
from emorec.training.processor import processor_flags

AVX2 = "fpu avx avx2 fma"

PROCESSORS = {
    "": None,
    "fpu asimd": None,
    "fpu avx": None,
    AVX2: False,
    f"{AVX2} avx512f avx512bw": False,
    f"{AVX2} avx_vnni": True,
    f"{AVX2} avx512f avx512_vnni": True,
    f"{AVX2} avx512f avx512_bf16": True,
    f"{AVX2} amx_tile": True,
}
"""TensorFlow's default by the instruction sets; None where emorec does not know it."""

Use = Callable[[str], None]


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Iterator[Use]:
    """A function that sets the processor, before TensorFlow is imported."""

    def use(flags: str) -> None:
        monkeypatch.setattr(module, "processor_flags", lambda: set(flags.split()))

    # Setting it first makes monkeypatch restore the absence of what the code sets.
    monkeypatch.setenv(VARIABLE, "0")
    monkeypatch.delenv(VARIABLE)
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    configure_onednn.cache_clear()
    yield use
    configure_onednn.cache_clear()


@pytest.fixture
def speedups(monkeypatch: pytest.MonkeyPatch) -> dict[str, float | None]:
    """Speedups that do not change with a new measurement."""
    found = {"vgg16": 1.8, "mobilenetv3small": 0.6, "compact": None, "nano": 1.01}
    summaries = {
        name: dataclasses.replace(architecture_summaries()[name], onednn_speedup=speedup)
        for name, speedup in found.items()
    }
    monkeypatch.setattr(module, "architecture_summaries", lambda: summaries)
    monkeypatch.setattr(module, "architecture_summary", lambda name: summaries[name])
    return found


@pytest.mark.parametrize("flags", PROCESSORS)
def test_the_default_and_the_choice(flags: str, speedups: dict[str, float | None]) -> None:
    default = PROCESSORS[flags]
    assert default_onednn(set(flags.split())) is default
    chosen = {name: chosen_onednn(name, set(flags.split())) for name in speedups}
    faster = {"vgg16": True, "mobilenetv3small": False, "compact": False, "nano": False}
    assert chosen == (faster if default is False else dict.fromkeys(speedups, default))


def test_an_unknown_architecture() -> None:
    with pytest.raises(ConfigError, match="unknown architecture 'vgg61'; did you mean 'vgg16'"):
        chosen_onednn("vgg61", {"avx2"})


@pytest.mark.parametrize("flags", PROCESSORS)
@pytest.mark.parametrize("arch", ["vgg16", "mobilenetv3small"])
@pytest.mark.usefixtures("speedups")
def test_the_setting_of_a_training(processor: Use, arch: str, flags: str) -> None:
    processor(flags)
    text = configure_onednn(arch)
    changed = PROCESSORS[flags] is False and arch == "vgg16"
    assert os.environ.get(VARIABLE) == ("1" if changed else None)
    states = {True: "on, TensorFlow's default", False: "off, TensorFlow's default", None: "Tensor"}
    expected = "on, with which vgg16 trains about 1.8" if changed else states[PROCESSORS[flags]]
    assert text.startswith(f"oneDNN: {expected}")
    assert configure_onednn(arch) == text, "a later call describes the same"


@pytest.mark.parametrize("value", ["0", "1", ""])
@pytest.mark.usefixtures("speedups")
def test_a_setting_of_the_user_is_kept(
    processor: Use, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    processor(AVX2)
    monkeypatch.setenv(VARIABLE, value)
    assert configure_onednn("vgg16") == f"oneDNN: {VARIABLE}={value} of the environment"
    assert os.environ[VARIABLE] == value
    assert onednn_description() == f"{VARIABLE}={value} of the environment"


@pytest.mark.parametrize("backend", ["jax", "torch"])
@pytest.mark.usefixtures("speedups")
def test_other_backends_have_no_onednn_of_tensorflow(
    processor: Use, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    processor(AVX2)
    monkeypatch.setenv("KERAS_BACKEND", backend)
    assert configure_onednn("vgg16") == ""
    assert VARIABLE not in os.environ


@pytest.mark.usefixtures("speedups")
def test_after_tensorflow_is_imported_nothing_changes(
    processor: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(AVX2)
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    assert "was imported before" in configure_onednn("vgg16")
    assert VARIABLE not in os.environ


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (AVX2, "off, TensorFlow's default on this processor; emorec train turns it on for vgg16"),
        (f"{AVX2} avx_vnni", "on, TensorFlow's default on this processor"),
        ("", "TensorFlow's default; emorec knows this processor too little to change it"),
    ],
)
@pytest.mark.usefixtures("speedups")
def test_the_description_of_a_machine(processor: Use, flags: str, expected: str) -> None:
    processor(flags)
    assert onednn_description() == expected


@pytest.mark.parametrize(
    ("flags", "value", "expected"),
    [
        (AVX2, None, False),
        (AVX2, "1", True),
        (AVX2, "True", True),
        (AVX2, "yes", False),
        (f"{AVX2} avx_vnni", None, True),
        (f"{AVX2} avx_vnni", "0", False),
        (f"{AVX2} avx_vnni", "FALSE", False),
        ("", None, False),
    ],
)
def test_whether_onednn_is_in_use(
    processor: Use, flags: str, value: str | None, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(flags)
    if value is not None:
        monkeypatch.setenv(VARIABLE, value)
    assert uses_onednn() is expected


def test_every_architecture_is_measured() -> None:
    """For a new one: python scripts/measure_architectures.py --onednn --names NAME."""
    missing = [
        name for name, each in architecture_summaries().items() if each.onednn_speedup is None
    ]
    assert missing == []
    assert chosen_onednn("compact", {"avx2"}) is True


def test_the_decision_needs_no_keras() -> None:
    code = (
        "import sys; from emorec.training.onednn import configure_onednn; "
        "configure_onednn('compact'); print({'keras', 'tensorflow', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


@pytest.mark.slow
def test_the_default_is_that_of_tensorflow() -> None:
    code = (
        "from tensorflow.python.util import _pywrap_util_port as port; print(port.IsMklEnabled())"
    )
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    default = default_onednn(processor_flags())
    assert default is None or done.stdout.split() == [str(default)]
