import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.onnx_models import write_tiny_model

from emorec import resources
from emorec.errors import MissingDependencyError, ModelError
from emorec.images import read_bgr
from emorec.inference import onnx_runtime
from emorec.inference.classifier import EmotionClassifier
from emorec.inference.devices import AUTO, DEVICES
from emorec.inference.onnx_runtime import open_session, providers

USE = (
    "import os\n"
    "from emorec import resources\n"
    "from emorec.inference.classifier import EmotionClassifier\n"
    "EmotionClassifier(resources.shipped_model())\n"
    "print(os.environ['ORT_DISABLE_TELEMETRY'])\n"
)


def use(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(home), **variables}
    return subprocess.run(
        [sys.executable, "-c", USE], env=environment, capture_output=True, text=True, check=True
    )


def test_nothing_is_written_to_the_home_folder(tmp_path: Path):
    done = use(tmp_path)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("home", ["/dev/null", "/proc"])
def test_a_home_folder_that_cannot_be_written_gets_no_warning(home):
    assert use(Path(home)).stderr == ""


def test_the_choice_of_the_user_stays(tmp_path: Path):
    assert use(tmp_path, ORT_DISABLE_TELEMETRY="0").stdout == "0\n"


# Sessions on a device


class StubRuntime:
    """An ONNX Runtime whose wheel lists providers, of which it can start some."""

    def __init__(self, listed: list[str], started: list[str], error: str = "") -> None:
        self.listed, self.started, self.error, self.calls = listed, started, error, []

    def get_available_providers(self) -> list[str]:
        return self.listed

    __file__ = "/nowhere/onnxruntime/__init__.py"

    def set_default_logger_severity(self, level: int) -> None:
        self.severity = level

    def preload_dlls(self) -> None:
        print("Failed to load libcudnn.so.9")

    def InferenceSession(self, data, options, providers, provider_options, enable_fallback):  # noqa: N802
        self.calls.append((providers, provider_options, enable_fallback))
        if self.error and providers[0] != "CPUExecutionProvider":
            raise RuntimeError(self.error)
        used = [name for name in providers if name in self.started]
        return SimpleNamespace(get_providers=lambda: used)


CPU, CUDA, TENSORRT = (DEVICES[name].provider for name in ("cpu", "cuda", "tensorrt"))


@pytest.fixture
def runtime(monkeypatch):
    """Return a function that replaces ONNX Runtime by a stub."""

    def replace(listed, started, error="") -> StubRuntime:
        stub = StubRuntime(listed, started, error)
        monkeypatch.setattr(onnx_runtime, "onnxruntime", stub)
        return stub

    return replace


@pytest.mark.parametrize("requested", ["cuda", AUTO])
def test_a_provider_that_starts_is_used_first(runtime, capfd, caplog, requested):
    stub = runtime([TENSORRT, CUDA, CPU], [CUDA, CPU])
    with caplog.at_level(logging.INFO):
        session, device = open_session(b"", None, requested)
    assert (session.get_providers(), device.name) == ([CUDA, CPU], "cuda")
    assert stub.calls == [([CUDA, CPU], [{}, {}], 0)]
    assert stub.severity == 2
    assert caplog.messages == [f"device cuda: {CUDA}, {CPU} of ONNX Runtime"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("threads", "option"), [(0, {}), (3, {"num_of_threads": "3"})])
def test_openvino_runs_on_the_cpu_with_the_threads_of_the_session(runtime, threads, option):
    listed = [DEVICES["openvino"].provider, CPU]
    stub = runtime(listed, listed)
    open_session(b"", SimpleNamespace(intra_op_num_threads=threads), "openvino")
    assert stub.calls[0][1] == [{"device_type": "CPU", **option}, {}]


def test_operators_that_tensorrt_lacks_run_on_cuda(runtime):
    stub = runtime([TENSORRT, CUDA, CPU], [TENSORRT, CUDA, CPU])
    assert open_session(b"", None, "tensorrt")[1].name == "tensorrt"
    assert stub.calls[0][0] == [TENSORRT, CUDA, CPU]


@pytest.mark.parametrize(("name", "started"), [("cuda", [CPU]), ("tensorrt", [CUDA, CPU])])
def test_a_listed_provider_that_does_not_start_is_an_error(runtime, name, started):
    """ONNX Runtime goes on without it: CUDA without a driver, TensorRT without its libraries."""
    runtime([TENSORRT, CUDA, CPU], started)
    with pytest.raises(MissingDependencyError) as caught:
        open_session(b"", None, name)
    assert str(caught.value) == (
        f"the device {name} cannot be used: ONNX Runtime has the {DEVICES[name].provider}, but "
        f"started only {', '.join(started)}; the driver or libraries of the device are missing; "
        "see docs/devices.md, or choose the device cpu"
    )


@pytest.mark.parametrize("error", ["", "CUDA driver version\nis insufficient"])
def test_auto_uses_the_cpu_where_the_accelerator_does_not_start(runtime, caplog, error):
    stub = runtime([CUDA, CPU], [CPU], error)
    _, device = open_session(b"", None, AUTO)
    assert device.name == "cpu"
    assert stub.calls[-1] == ([CPU], [{}], 0)
    (message,) = (r.getMessage() for r in caplog.records if r.levelno == logging.WARNING)
    assert message.startswith("the CPU is used, as the device cuda cannot be: ")
    assert "\n" not in message


def test_a_missing_library_is_named(runtime, monkeypatch, tmp_path):
    (tmp_path / "capi").mkdir()
    (tmp_path / "capi" / "libonnxruntime_providers_cuda.so").write_text("no library")
    runtime([CUDA, CPU], [CPU])
    monkeypatch.setattr(StubRuntime, "__file__", str(tmp_path / "__init__.py"))
    with pytest.raises(MissingDependencyError, match=r"providers_cuda\.so: .*; see docs/devices"):
        open_session(b"", None, "cuda")


def test_a_device_that_cannot_run_the_model(runtime):
    runtime([CUDA, CPU], [CUDA, CPU], "no CUDA-capable\ndevice is detected")
    with pytest.raises(MissingDependencyError) as caught:
        open_session(b"", None, "cuda")
    assert str(caught.value).startswith(
        "the device cuda cannot be used: no CUDA-capable device is detected; see"
    )


@pytest.mark.parametrize("device", ["cpu", AUTO, "cuda"])
def test_a_broken_model_is_the_same_error_on_every_device(tmp_path, monkeypatch, device):
    class Broken:
        def __init__(self, *arguments, **options):
            raise RuntimeError("no such operator")

    monkeypatch.setattr(onnx_runtime, "providers", lambda: [CUDA, CPU])
    monkeypatch.setattr(onnx_runtime.onnxruntime, "InferenceSession", Broken)
    path = write_tiny_model(tmp_path / "tiny.onnx")
    with pytest.raises(ModelError, match="ONNX Runtime cannot load the model: no such operator"):
        EmotionClassifier(path, device=device)


@pytest.mark.parametrize(
    "name", [name for name, device in DEVICES.items() if device.provider in providers()]
)
def test_every_device_of_the_installed_wheel_agrees_with_the_cpu(name):
    """Of the usual wheel that is the CPU alone; docs/devices.md has the commands for others."""
    photo = read_bgr(Path(__file__).resolve().parents[2] / "examples" / "astronaut.jpg")
    crops = [photo[65 + step : 166 + step, 174:275] for step in range(0, 70, 2)]
    reference = EmotionClassifier(resources.shipped_model(), device="cpu")
    classifier = EmotionClassifier(resources.shipped_model(), device=name)
    assert classifier.device == name
    for count in (1, len(crops)):
        expected, found = (
            np.array([list(p.probabilities.values()) for p in model.classify(crops[:count])])
            for model in (reference, classifier)
        )
        np.testing.assert_allclose(found, expected, atol=1e-5 if name == "cpu" else 5e-3)
