"""The registry of model files: what is known of a file, and the files of the package."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from emorec import resources
from emorec.errors import ModelError
from emorec.installation import reinstall_command

SUMS = "SHA256SUMS"
"""File with the hashes of the shipped files next to it, in the format of `sha256sum`."""

EMOTIONS = "emotion model"
TRAINABLE = "emotion model for fine-tuning"
CASCADE = "Haar cascade"
DETECTOR = "face detector"

_CASCADE_LICENSE = "Intel License Agreement for Open Source Computer Vision Library (BSD-style)"
_YUNET_LICENSE = "MIT (Copyright 2020 Shiqi Yu); trained on WIDER FACE"


@dataclass(frozen=True)
class ModelFile:
    """A model file.

    Attributes:
        name: Name in `emorec models list`.
        kind: One of `EMOTIONS`, `TRAINABLE`, `CASCADE` and `DETECTOR`.
        path: Path of the file, which may be missing.
        sha256: Expected hash, in hexadecimal; a file with another hash is not used.
        license: Licence; empty for a model whose metadata name it.
        address: Address on the Hugging Face hub of a pulled file; empty for a shipped one.
    """

    name: str
    kind: str
    path: Path
    sha256: str
    license: str = ""
    address: str = ""

    def problem(self) -> str | None:
        """Describe the problem with the file; None if it is valid."""
        if not self.path.is_file():
            return "missing"
        try:
            return None if hash_of(self.path) == self.sha256 else "damaged or changed"
        except ModelError as error:
            return str(error)

    @property
    def fix(self) -> str:
        """Instruction to fix a problem with the file."""
        if self.address:
            return f"fetch it again with: emorec models pull {self.address}"
        return f"reinstall emorec: {reinstall_command()}"


def shipped() -> list[ModelFile]:
    """List the shipped models and face detectors, then the shipped cascades.

    Raises:
        EmorecError: The installation is incomplete.
        ModelError: A list of hashes is missing or damaged.
    """
    found = []
    for path, sha256 in _sums(resources.shipped_model().parent):
        if path.name == resources.shipped_face_detector().name:
            found.append(ModelFile(path.stem, DETECTOR, path, sha256, _YUNET_LICENSE))
        elif path.suffix == ".keras":
            found.append(ModelFile(path.name, TRAINABLE, path, sha256))
        else:
            found.append(ModelFile(path.stem, EMOTIONS, path, sha256))
    for path, sha256 in _sums(resources.folder("cascades")):
        name = path.stem.removeprefix("haarcascade_").removeprefix("frontalface_")
        found.append(ModelFile(name, CASCADE, path, sha256, _CASCADE_LICENSE))
    return found


def _sums(folder: Path) -> list[tuple[Path, str]]:
    sums = folder / SUMS
    try:
        rows = [line.split(maxsplit=1) for line in sums.read_text(encoding="utf-8").splitlines()]
        return [(folder / name.removeprefix("*"), sha256) for sha256, name in rows]
    except (OSError, ValueError) as error:
        raise ModelError(f"{sums}: {error}; reinstall emorec") from error


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal.

    Raises:
        ModelError: The file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror or error}") from error
