"""The checks of `emorec doctor` and the fixes it suggests."""

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from emorec import __version__
from emorec.cli.doctor.check import NOTE, OK, WRONG, Check
from emorec.cli.doctor.variables import variable_checks
from emorec.cli.errors import user_error
from emorec.detection.registry import DETECTORS
from emorec.environment import DEVICE_VARIABLE
from emorec.inference.devices import (
    WHEELS,
    choose_device,
    installed_wheels,
    replace_command,
    requested_device,
)
from emorec.installation import (
    extra_for,
    extras_in,
    install_command,
    pip_command,
    reinstall_command,
    requirements,
    supported_pythons,
    without_wheel,
)
from emorec.shell_words import quoted
from emorec.threads import available_cores
from emorec.training.onednn import onednn_description

_OPENCV = (
    "opencv-python",
    "opencv-python-headless",
    "opencv-contrib-python",
    "opencv-contrib-python-headless",
)
_FITTING_OPENCV = '"opencv-python>=4.12,<5"'

_ALTERNATIVES = {"opencv-python": _OPENCV, "onnxruntime": WHEELS}
"""Packages that install the same module, by the one that emorec requires."""

_DEEP = {
    "tensorflow": "import tensorflow as t; "
    "print(*(d.name for d in t.config.list_physical_devices()))",
    "jax": "import jax; print(*jax.devices())",
    "torch": "import torch as t; print('cpu', *(t.cuda.get_device_name(i) "
    "for i in range(t.cuda.device_count())))",
}
"""Python programs that print the devices available to each Keras backend."""

_DEEP_TIMEOUT_S = 180


def checks(deep: bool = False) -> Iterator[Check]:
    """Run all checks, the quick ones first.

    Args:
        deep: Import each Keras backend in its own process and list its devices.
    """
    yield Check("system", "emorec", OK, __version__)
    yield Check("system", "python", OK, f"{platform.python_version()} at {sys.executable}")
    processors = f"{available_cores()} of {os.cpu_count()} processors available"
    yield Check("system", "platform", OK, f"{platform.platform()}, {processors}")
    yield from variable_checks()
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
    """Compare the installed packages with the requirements of emorec."""
    texts = requirements()
    if not texts:
        yield Check("packages", "emorec", NOTE, "not installed, so its requirements are unknown")
    checked = {"emorec"}
    for requirement in map(Requirement, texts):
        name = canonicalize_name(requirement.name)
        extra = extra_for(name)
        if extra is not None and name not in checked and _applies(requirement):
            checked.add(name)
            yield from _package(name, requirement.specifier, extra)


def _applies(requirement: Requirement) -> bool:
    """Return whether a requirement, of an extra or not, applies to this Python and platform."""
    marker = requirement.marker
    if marker is None:
        return True
    return any(marker.evaluate({"extra": extra}) for extra in ("", *extras_in(str(marker))))


def _package(name: str, specifier: SpecifierSet, extra: str) -> Iterator[Check]:
    """Check the package of a requirement, or the packages installed in place of it."""
    alternatives = _ALTERNATIVES.get(name, (name,))
    installed = [(n, version) for n in alternatives if (version := _version(n))]
    if not installed:
        state = NOTE if extra else WRONG
        yield Check("packages", name, state, "not installed", install_command(extra))
    for installed_name, version in installed:
        label = version if installed_name == name else f"{version} ({installed_name})"
        if _satisfies(version, specifier):
            yield Check("packages", name, OK, label)
        else:
            fix = f"{pip_command()} install {quoted(f'{installed_name}{specifier}')}"
            yield Check("packages", name, WRONG, f"{label}; emorec requires {specifier}", fix)


def _satisfies(version: str, specifier: SpecifierSet) -> bool:
    try:
        return specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False


def _opencv() -> Iterator[Check]:
    installed, pip = [name for name in _OPENCV if _version(name)], pip_command()
    if len(installed) > 1:
        yield Check(
            "OpenCV",
            "packages",
            WRONG,
            f"{' and '.join(installed)} are installed together and overwrite each other's files",
            f"{pip} uninstall -y {' '.join(installed)} && {pip} install {_FITTING_OPENCV}",
        )
    try:
        import cv2
    except ImportError as error:
        known = user_error(error)
        fix = str(known) if known else f"{pip} install --force-reinstall {_FITTING_OPENCV}"
        yield Check("OpenCV", "import", WRONG, str(error), fix)
        return
    yield Check("OpenCV", "import", OK, f"{cv2.__version__}, {cv2.getNumThreads()} threads")
    for entry in DETECTORS.values():
        name = entry.opencv_class
        if name is None:
            continue
        if hasattr(cv2, name):
            yield Check("OpenCV", name, OK, f"available, for --detector {entry.name}")
        else:
            found = f"missing, so --detector {entry.name} cannot run"
            yield Check("OpenCV", name, WRONG, found, f"{pip} install {_FITTING_OPENCV}")


def _onnxruntime() -> Iterator[Check]:
    installed = installed_wheels()
    if len(installed) > 1:
        yield Check(
            "ONNX Runtime",
            "packages",
            WRONG,
            f"{' and '.join(installed)} are installed together and overwrite each other's files",
            f"{replace_command(installed[-1])}, or another one of them",
        )
    from emorec import resources
    from emorec.errors import ConfigError, EmorecError, MissingDependencyError

    try:
        import numpy as np

        from emorec.inference.classifier import EmotionClassifier
        from emorec.inference.onnx_runtime import providers

        yield Check("ONNX Runtime", "providers", OK, ", ".join(providers()))
        try:
            requested = requested_device(None)
            model = EmotionClassifier(resources.shipped_model(), device=requested)
            yield _device(requested, model.device, providers())
        except (ConfigError, MissingDependencyError) as error:
            fix = f"set {DEVICE_VARIABLE} to a device that is available, or unset it"
            yield Check("ONNX Runtime", "device", WRONG, str(error), fix)
            model = EmotionClassifier(resources.shipped_model(), device="cpu")
        size, channels = model.metadata.input_size, model.metadata.channels
        model.probabilities(np.full((1, size, size, channels), 127, np.float32))
    except (ImportError, EmorecError) as error:
        fix = f"{pip_command()} install --force-reinstall onnxruntime && {reinstall_command()}"
        yield Check("ONNX Runtime", "shipped model", WRONG, str(error), fix)
        return
    name = f"{model.metadata.name} {model.metadata.version}"
    yield Check("ONNX Runtime", "shipped model", OK, f"{name} runs")


def _device(requested: str, used: str, listed: list[str]) -> Check:
    """Describe the device in use; "auto" uses the CPU if the accelerator does not start."""
    found, preferred = f"{used} (requested: {requested})", choose_device(requested, listed).name
    if used == preferred:
        return Check("ONNX Runtime", "device", OK, found)
    fix = f"see docs/devices.md, or set {DEVICE_VARIABLE}=cpu"
    return Check("ONNX Runtime", "device", NOTE, f"{found}; {preferred} cannot be used", fix)


def _files() -> Iterator[Check]:
    from emorec.errors import EmorecError
    from emorec.models.files import listed_models

    try:
        files = listed_models()
    except EmorecError as error:
        yield Check(
            "files",
            "shipped files",
            WRONG,
            str(error),
            reinstall_command(),
        )
        return
    for file in files:
        problem = file.problem()
        if problem is None:
            yield Check("files", file.name, OK, f"{file.path}, sha256 {file.sha256}")
            continue
        optional = file.address and not file.path.exists()
        yield Check("files", file.name, NOTE if optional else WRONG, problem, file.fix)


def _accelerators() -> Iterator[Check]:
    """List accelerators without importing a Keras backend."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader"]
    if shutil.which(query[0]):
        try:
            done = subprocess.run(
                query, capture_output=True, encoding="utf-8", timeout=20, check=True
            )
            found = "; ".join(done.stdout.split("\n")).strip("; ")
            yield Check("accelerators", "nvidia", OK, found)
        except (OSError, subprocess.SubprocessError) as error:
            yield Check("accelerators", "nvidia", NOTE, f"nvidia-smi failed: {error}")
    else:
        yield Check("accelerators", "nvidia", OK, "none (no nvidia-smi)")
    backend = os.environ.get("KERAS_BACKEND", "tensorflow")
    for name in ("tensorflow", "jax", "torch"):
        version = _version(name) or _version(f"{name}-cpu")
        chosen = ", the Keras backend" if name == backend else ""
        if version or not chosen:
            yield Check("accelerators", name, OK, f"{version or 'not installed'}{chosen}")
        else:
            found = "the Keras backend, but not installed; training needs one"
            if (versions := supported_pythons(name)) is not None:
                fix = f"training needs {without_wheel(name, versions)}"
            else:
                install = install_command(extra_for(name) or "")
                fix = f"{install}, or set KERAS_BACKEND to an installed one"
            yield Check("accelerators", name, NOTE, found, fix)
    if backend == "tensorflow" and (_version(backend) or _version(f"{backend}-cpu")):
        yield Check("accelerators", "oneDNN", OK, onednn_description())


def _devices() -> Iterator[Check]:
    """List the devices of each Keras backend, in a process per backend."""
    for name, program in _DEEP.items():
        if not (_version(name) or _version(f"{name}-cpu")):
            continue
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        try:
            done = subprocess.run(
                [sys.executable, "-c", program],
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=_DEEP_TIMEOUT_S,
                env=environment,
                check=False,
            )
        except subprocess.TimeoutExpired:
            found = f"no answer within {_DEEP_TIMEOUT_S} s"
            yield Check(
                "devices", name, WRONG, found, f"{pip_command()} install --force-reinstall {name}"
            )
            continue
        if done.returncode:
            last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
            yield Check(
                "devices", name, WRONG, last, f"{pip_command()} install --force-reinstall {name}"
            )
        else:
            yield Check("devices", name, OK, " ".join(done.stdout.split()))


def _tools() -> Iterator[Check]:
    """Report what encodes annotated videos and copies their sound."""
    from emorec.media.video_programs import find_h264, installed_programs

    ffmpeg, h264 = shutil.which("ffmpeg"), find_h264()
    install = "install ffmpeg, on Debian: apt-get install ffmpeg"
    yield Check("tools", "ffmpeg", OK, ffmpeg or "not installed")
    if h264 is not None:
        yield Check("tools", "video", OK, f"annotated videos are H.264, by {h264}")
        return
    sound = "" if installed_programs() else ", and have no sound"
    found = f"annotated videos are MPEG-4, which browsers do not play{sound}"
    yield Check("tools", "video", NOTE, found, f"{install}, or {install_command('video')}")
