"""What `emorec doctor` looks at, and what it says is wrong with it."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from emorec import __version__
from emorec.cli.errors import user_error

OK = "ok"
NOTE = "note"
WRONG = "wrong"

_OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
_ONNXRUNTIME = ("onnxruntime", "onnxruntime-gpu", "onnxruntime-directml", "onnxruntime-openvino")
_FITTING_OPENCV = '"opencv-python>=4.12,<5"'

_EITHER = {"opencv-python": _OPENCV, "onnxruntime": _ONNXRUNTIME}
"""Packages that bring the same module, by the one that emorec names."""

_DEEP = {
    "tensorflow": "import tensorflow as t; "
    "print(*(d.name for d in t.config.list_physical_devices()))",
    "jax": "import jax; print(*jax.devices())",
    "torch": "import torch as t; print('cpu', *(t.cuda.get_device_name(i) "
    "for i in range(t.cuda.device_count())))",
}
"""Programs that print the devices a backend of Keras sees."""

_DEEP_TIMEOUT_S = 180


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        group: What it belongs to.
        name: What it is.
        state: `OK`, `NOTE` (worth knowing) or `WRONG`.
        found: What was found.
        fix: What to do about it; empty where nothing is.
    """

    group: str
    name: str
    state: str
    found: str
    fix: str = ""


def checks(deep: bool = False) -> Iterator[Check]:
    """Look at everything, the quick things first.

    Args:
        deep: Import the backends of Keras, each in a process of its own, and list their devices.
    """
    yield Check("system", "emorec", OK, __version__)
    yield Check("system", "python", OK, f"{platform.python_version()} at {sys.executable}")
    yield Check("system", "platform", OK, f"{platform.platform()}, {os.cpu_count()} processors")
    yield from _packages()
    yield from _opencv()
    yield from _onnxruntime()
    yield from _files()
    yield from _accelerators()
    if deep:
        yield from _devices()
    yield from _tools()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _packages() -> Iterator[Check]:
    """Hold what is installed against what emorec asks for."""
    try:
        requirements = importlib.metadata.requires("emorec") or []
    except importlib.metadata.PackageNotFoundError:
        yield Check(
            "packages", "emorec", NOTE, "not installed, so the versions it asks for are not known"
        )
        return
    seen = set()
    for requirement in requirements:
        name, wanted, extra = parsed(requirement)
        if name == "emorec" or extra == "dev" or name in seen:
            continue
        seen.add(name)
        found = [(n, v) for n in _EITHER.get(name, (name,)) if (v := _version(n))]
        package = f"emorec[{extra}]" if extra else "emorec"
        install = f"pip install '{package}'"
        if not found:
            state = NOTE if extra else WRONG
            yield Check("packages", name, state, "not installed", install)
        for installed, version in found:
            label = version if installed == name else f"{version} ({installed})"
            if fits(version, wanted):
                yield Check("packages", name, OK, label)
            else:
                fix = f"pip install '{installed}{wanted}'"
                yield Check("packages", name, WRONG, f"{label}; emorec asks for {wanted}", fix)


def parsed(requirement: str) -> tuple[str, str, str]:
    """Take a requirement apart: the package, the versions wanted, the extra that asks for it."""
    stated, _, marker = requirement.partition(";")
    match = re.match(r"\s*([\w.-]+)\s*(?:\[[^]]*\])?\s*\(?([^)]*)\)?\s*$", stated)
    extra = re.search(r"""extra\s*==\s*["']([\w.-]+)["']""", marker)
    if match is None:
        return stated.strip(), "", extra.group(1) if extra else ""
    return match.group(1).lower(), match.group(2).replace(" ", ""), extra.group(1) if extra else ""


def fits(version: str, wanted: str) -> bool:
    """Tell whether a version is in a range such as ">=4.12,<5"; only its numbers are looked at."""

    def numbers(text: str) -> tuple[int, ...]:
        found = re.match(r"\d+(?:\.\d+)*", text)
        parts = [int(part) for part in found.group().split(".")] if found else []
        while parts and parts[-1] == 0:
            parts.pop()
        return tuple(parts)

    own = numbers(version)
    for part in filter(None, wanted.split(",")):
        operator, limit = re.match(r"([<>=!~]*)(.*)", part).groups()  # type: ignore[union-attr]
        holds = {
            ">=": own >= numbers(limit),
            "<": own < numbers(limit),
            "<=": own <= numbers(limit),
            ">": own > numbers(limit),
            "==": own == numbers(limit),
            "!=": own != numbers(limit),
        }
        if not holds.get(operator, True):
            return False
    return True


def _opencv() -> Iterator[Check]:
    installed = [name for name in _OPENCV if _version(name)]
    if len(installed) > 1:
        yield Check(
            "OpenCV",
            "packages",
            WRONG,
            f"{' and '.join(installed)} are installed at once and overwrite each other's files",
            f"pip uninstall -y {' '.join(installed)} && pip install {_FITTING_OPENCV}",
        )
    try:
        import cv2
    except ImportError as error:
        known = user_error(error)
        fix = str(known) if known else f"pip install --force-reinstall {_FITTING_OPENCV}"
        yield Check("OpenCV", "import", WRONG, str(error), fix)
        return
    yield Check("OpenCV", "import", OK, f"{cv2.__version__}, {cv2.getNumThreads()} threads")
    for name, detector in (("CascadeClassifier", "haar"), ("FaceDetectorYN", "yunet")):
        if hasattr(cv2, name):
            yield Check("OpenCV", name, OK, f"there, for --detector {detector}")
        else:
            found = f"absent, so --detector {detector} cannot run"
            yield Check("OpenCV", name, WRONG, found, f"pip install {_FITTING_OPENCV}")


def _onnxruntime() -> Iterator[Check]:
    installed = [name for name in _ONNXRUNTIME if _version(name)]
    if len(installed) > 1:
        yield Check(
            "ONNX Runtime",
            "packages",
            WRONG,
            f"{' and '.join(installed)} are installed at once and overwrite each other's files",
            f"pip uninstall -y {' '.join(installed)} && pip install onnxruntime",
        )
    from emorec import resources
    from emorec.errors import EmorecError

    try:
        from emorec.inference.classifier import EmotionClassifier, providers

        yield Check(
            "ONNX Runtime", "providers", OK, f"{', '.join(providers())}; emorec runs on CPU"
        )
        import numpy as np

        model = EmotionClassifier(resources.shipped_model())
        size, channels = model.metadata.input_size, model.metadata.channels
        model.probabilities(np.full((1, size, size, channels), 127, np.float32))
    except (ImportError, EmorecError) as error:
        fix = "pip install --force-reinstall onnxruntime emorec"
        yield Check("ONNX Runtime", "shipped model", WRONG, str(error), fix)
        return
    name = f"{model.metadata.name} {model.metadata.version}"
    yield Check("ONNX Runtime", "shipped model", OK, f"{name} runs")


def _files() -> Iterator[Check]:
    from emorec.errors import EmorecError
    from emorec.models.registry import fetchable, shipped

    try:
        files = [*shipped(), *fetchable().values()]
    except EmorecError as error:
        yield Check("files", "shipped files", WRONG, str(error), "install emorec anew")
        return
    for file in files:
        problem = file.problem()
        if problem is None:
            yield Check("files", file.name, OK, f"{file.path}, sha256 {file.sha256}")
            continue
        optional = file.url and not file.path.exists()
        yield Check("files", file.name, NOTE if optional else WRONG, problem, file.fix)


def _accelerators() -> Iterator[Check]:
    """Find accelerators without importing what would use them."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    if shutil.which(query[0]):
        try:
            done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=True)
            found = "; ".join(done.stdout.split("\n")).strip("; ")
            yield Check("accelerators", "nvidia", OK, found)
        except (OSError, subprocess.SubprocessError) as error:
            yield Check("accelerators", "nvidia", NOTE, f"nvidia-smi fails: {error}")
    else:
        yield Check("accelerators", "nvidia", OK, "none (no nvidia-smi)")
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    for name in ("tensorflow", "jax", "torch"):
        version = _version(name) or _version(f"{name}-cpu")
        chosen = ", the backend of Keras" if name == backend else ""
        if version or not chosen:
            yield Check("accelerators", name, OK, f"{version or 'not installed'}{chosen}")
        else:
            found = "not installed, yet the backend of Keras; training needs one"
            fix = "pip install 'emorec[train]', or set KERAS_BACKEND to one that is installed"
            yield Check("accelerators", name, NOTE, found, fix)


def _devices() -> Iterator[Check]:
    """Ask each backend of Keras for its devices, in a process of its own."""
    for name, program in _DEEP.items():
        if not (_version(name) or _version(f"{name}-cpu")):
            continue
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        try:
            done = subprocess.run(
                [sys.executable, "-c", program],
                capture_output=True,
                text=True,
                timeout=_DEEP_TIMEOUT_S,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired:
            found = f"no answer in {_DEEP_TIMEOUT_S} s"
            yield Check("devices", name, WRONG, found, f"pip install --force-reinstall {name}")
            continue
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            yield Check("devices", name, WRONG, last, f"pip install --force-reinstall {name}")
        else:
            yield Check("devices", name, OK, " ".join(done.stdout.split()))


def _tools() -> Iterator[Check]:
    ffmpeg = shutil.which("ffmpeg")
    found = ffmpeg or "not installed: annotated videos have no sound"
    fix = "" if ffmpeg else "install ffmpeg, on Debian: apt-get install ffmpeg"
    yield Check("tools", "ffmpeg", OK if ffmpeg else NOTE, found, fix)
