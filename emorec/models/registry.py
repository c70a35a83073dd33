"""Knows the files that emorec runs: those in the package, and those that can be fetched."""

import hashlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from emorec import resources
from emorec.errors import ModelError

SUMS = "SHA256SUMS"
"""File beside the shipped ones with their hashes, as `sha256sum` writes and checks it."""

DATA_FOLDER_VARIABLE = "EMOREC_DATA"
"""Environment variable that names the folder of fetched files in place of the usual one."""


@dataclass(frozen=True)
class DetectorModel:
    """A model file of a face detector, which `emorec models pull` fetches.

    Attributes:
        name: Name of the detector.
        file_name: Name of the file.
        url: Where it comes from.
        size: Its size in bytes.
        sha256: Its hash, in hexadecimal; a file of another hash is not used.
        license: Its terms.
        about: What it is.
    """

    name: str
    file_name: str
    url: str
    size: int
    sha256: str
    license: str
    about: str


# The zoo keeps its models in Git LFS; GitHub serves these under media.githubusercontent.com. The
# commit in the address pins the version.
DETECTOR_MODELS = {
    "yunet": DetectorModel(
        name="yunet",
        file_name="face_detection_yunet_2026may.onnx",
        url="https://media.githubusercontent.com/media/opencv/opencv_zoo/"
        "47534e27c9851bb1128ccc0102f1145e27f23f98/models/face_detection_yunet/"
        "face_detection_yunet_2026may.onnx",
        size=229_738,
        sha256="ebafce4e3c118d6554634be5c27ab333b4c047a9a8c3faf1d7cf93101c22f0f0",
        license="MIT, Copyright 2020 Shiqi Yu; trained on WIDER FACE",
        about="YuNet, a small convolutional face detector, from OpenCV's model zoo",
    )
}
"""Models that can be fetched, by the detector's name."""


def data_folder() -> Path:
    """Give the user's folder for fetched files; it need not exist."""
    chosen = os.environ.get(DATA_FOLDER_VARIABLE)
    if chosen:
        return Path(chosen)
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "emorec"


def fetched_path(model: DetectorModel) -> Path:
    """Give the place of a fetched model; it need not be there."""
    return data_folder() / "models" / model.file_name


def detector_model(name: str) -> Path:
    """Find the fetched model of a detector and check it.

    Raises:
        ModelError: It was not fetched, or it was changed since.
    """
    model = DETECTOR_MODELS[name]
    path = fetched_path(model)
    again = f"emorec models pull {name}"
    if not path.is_file():
        raise ModelError(
            f"the model of the detector {name!r} is not here; fetch it ({model.size / 1e3:.0f} kB) "
            f"with: {again}, or give its file with --detector-model"
        )
    if hash_of(path) != model.sha256:
        raise ModelError(f"{path}: damaged or changed; fetch it anew with: {again}")
    return path


def hash_of(path: Path) -> str:
    """Compute the SHA-256 of a file, in hexadecimal.

    Raises:
        ModelError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error


@dataclass(frozen=True)
class ShippedFile:
    """A file that travels with emorec.

    Attributes:
        path: Where it should be.
        sha256: The hash it should have, in hexadecimal.
    """

    path: Path
    sha256: str

    def problem(self) -> str | None:
        """Say what is wrong with the file, or None."""
        if not self.path.is_file():
            return "missing"
        try:
            return None if hash_of(self.path) == self.sha256 else "changed: another SHA-256"
        except ModelError as error:
            return str(error)


def shipped_files() -> Iterator[ShippedFile]:
    """List the cascades, then the models, that travel with emorec.

    Raises:
        EmorecError: The installation is incomplete.
        ModelError: A list of hashes is missing.
    """
    for folder in (resources.folder("cascades"), resources.shipped_model().parent):
        try:
            lines = (folder / SUMS).read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise ModelError(f"{folder / SUMS}: {error.strerror or error}") from error
        for line in lines:
            sha256, name = line.split(maxsplit=1)
            yield ShippedFile(folder / name.removeprefix("*"), sha256)
