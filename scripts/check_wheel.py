"""Build the source archive and from it the wheel, check both, and run the installed wheel."""

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Collection
from email import message_from_bytes
from pathlib import Path
from typing import Any

from _opencv import ensure_opencv

from emorec import __version__

ROOT = Path(__file__).resolve().parents[1]

PHOTO = ROOT / "examples" / "astronaut.jpg"

EXPECTED = (
    *(
        f"emorec/cascades/{path.name}"
        for path in sorted((ROOT / "cascades").iterdir())
        if path.is_file()
    ),
    "emorec/models/SHA256SUMS",
    "emorec/models/accuracy.json",
    "emorec/models/emorec-compact.onnx",
    "emorec/models/emorec-compact.keras",
    "emorec/models/emorec-nano.onnx",
    "emorec/models/emorec-nano.keras",
    "emorec/models/yunet.onnx",
    "emorec/models/yunet-LICENSE.txt",
    *(f"emorec/configs/{path.name}" for path in sorted((ROOT / "configs").glob("*.yaml"))),
)

LICENCES = ("LICENSE", "cascades/SOURCES.md", "emorec/models/yunet-LICENSE.txt")

IN_SOURCE = (
    *("LICENSE", "README.md", "CHANGELOG.md", "CITATION.cff", "Dockerfile", "pyproject.toml"),
    *("docs/index.md", "examples/astronaut.jpg", "notebooks/photo.ipynb", "tests/conftest.py"),
    *("cascades/SHA256SUMS", "configs/quick.yaml", "emorec/models/SHA256SUMS"),
    "scripts/teachers/teacher_probabilities.csv.gz",
)
"""Some file of everything that the source archive contains."""

MAX_WHEEL_MB, MAX_SOURCE_MB = 12, 25

CACHE = re.compile(
    r"(^|/)(__pycache__|\.\w+_cache|\.ipynb_checkpoints|\.hypothesis|runs)(/|$)|\.py[co]$"
)

IMAGE = re.compile(r"\.(avif|bmp|gif|hei[cf]|jpe?g|pgm|png|ppm|tiff?|webp)$", re.IGNORECASE)

WITH_IMAGES = ("docs/", "examples/")
"""Where the source archive may have images. Those of the data sets must be nowhere."""

TRAINING_ONLY = ("tensorflow", "keras", "pandas", "matplotlib")

PROBE = f"""
import importlib.util, json, emorec
from emorec import resources
print(json.dumps({{
    "package": emorec.__path__[0],
    "folders": [str(resources.folder(name)) for name in ("cascades", "configs")],
    "training_only": [name for name in {TRAINING_ONLY} if importlib.util.find_spec(name)],
}}))
"""


def _run(*command: str | Path, cwd: Path) -> str:
    """Run a command without the checkout on its paths; return its standard output."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        command, cwd=cwd, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"exit code {done.returncode} from {' '.join(map(str, command))}\n{done.stdout}")
    return done.stdout


def _require(holds: bool, problem: str) -> None:
    if not holds:
        sys.exit(f"check_wheel: {problem}")


def _build(folder: Path) -> tuple[Path, Path]:
    """Build the source archive, and from it the wheel; return both."""
    _run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    (source,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return source, wheel


def _tracked() -> set[str] | None:
    """Return the files that git tracks; None outside of a checkout."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return None
    return set(_run("git", "ls-files", "-z", cwd=ROOT).split("\0"))


def source_faults(names: Collection[str], tracked: Collection[str] | None) -> list[str]:
    """List what is wrong with the files of a source archive.

    Args:
        names: Their paths below the folder of the archive.
        tracked: The files that git tracks; None if unknown.
    """
    made = {"PKG-INFO", ".gitignore"}
    lacking = [name for name in IN_SOURCE if name not in names]
    strays = [name for name in names if tracked is not None and name not in {*tracked, *made}]
    images = [name for name in names if IMAGE.search(name) and not name.startswith(WITH_IMAGES)]
    return [
        *(f"the source archive lacks {name}" for name in lacking),
        *(f"the source archive contains the cache {name}" for name in names if CACHE.search(name)),
        *(f"the source archive contains {name}, which git does not track" for name in strays),
        *(f"the source archive contains the image {name}" for name in images),
    ]


def wheel_faults(names: Collection[str]) -> list[str]:
    """List what is wrong with the files of a wheel, by their paths."""
    described = f"emorec-{__version__}.dist-info"
    expected = (*EXPECTED, *(f"{described}/licenses/{name}" for name in LICENCES))
    others = {name.split("/")[0] for name in names} - {"emorec", described}
    return [
        *(f"the wheel lacks {name}" for name in expected if name not in names),
        *(f"the wheel contains {name} beside emorec" for name in sorted(others)),
        *(f"the wheel contains the cache {name}" for name in names if CACHE.search(name)),
        *(f"the wheel contains the image {name}" for name in names if IMAGE.search(name)),
    ]


def description_faults(metadata: bytes) -> list[str]:
    """List what is wrong with the metadata of a wheel that is no fault of their format."""
    fields = message_from_bytes(metadata)
    text = fields.get_payload(decode=True)
    assert isinstance(text, bytes)
    targets = re.findall(r"\]\(([^)\s]+)\)", text.decode())
    relative = [target for target in targets if not target.startswith(("https://", "http://"))]
    return [
        *([] if fields["Version"] == __version__ else [f"the version is {fields['Version']}"]),
        *([] if len(text) > 1000 else ["the description is not the README"]),
        *(f"the description links to {target}, which is not in an index" for target in relative),
    ]


def _check_hashes(archive: zipfile.ZipFile, folder: str) -> None:
    """Compare the files of a folder with its SHA256SUMS."""
    for line in archive.read(f"{folder}/SHA256SUMS").decode().splitlines():
        expected, name = line.split()
        found = hashlib.sha256(archive.read(f"{folder}/{name}")).hexdigest()
        _require(found == expected, f"{folder}/{name} in the wheel has the SHA-256 {found}")


def _check_source(source: Path) -> None:
    size_mb = source.stat().st_size / 1e6
    with tarfile.open(source) as archive:
        names = [member.name.partition("/")[2] for member in archive if member.isfile()]
    print(f"{source.name}: {size_mb:.2f} MB, {len(names)} files")
    faults = source_faults(names, _tracked())
    _require(not faults, "; ".join(faults))
    _require(size_mb <= MAX_SOURCE_MB, f"the source archive has more than {MAX_SOURCE_MB} MB")


def _check_wheel(wheel: Path) -> None:
    size_mb = wheel.stat().st_size / 1e6
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        faults = wheel_faults(sizes)
        _require(not faults, "; ".join(faults))
        metadata = archive.read(f"emorec-{__version__}.dist-info/METADATA")
        faults = description_faults(metadata)
        _require(not faults, "; ".join(faults))
        for folder in ("emorec/models", "emorec/cascades"):
            _check_hashes(archive, folder)
    print(f"{wheel.name}: {size_mb:.2f} MB, {len(sizes)} files")
    totals: Counter[str] = Counter()
    for name, size in sizes.items():
        totals["/".join(name.split("/")[:2]) if name.count("/") > 1 else name.split("/")[0]] += size
    for name, size in sorted(totals.items()):
        print(f"  {size / 1e3:9.1f} kB  {name}")
    _require(size_mb <= MAX_WHEEL_MB, f"the wheel has more than {MAX_WHEEL_MB} MB")


def _install(wheel: Path, folder: Path) -> Path:
    """Install the wheel without extras; return the interpreter of the new environment."""
    _run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check")
    _run(*pip, "install", "--quiet", "--no-compile", wheel, cwd=folder)
    problem = ensure_opencv(python)
    _require(not problem, problem)
    return python


def _check_use(python: Path, cwd: Path) -> None:
    found: dict[str, Any] = json.loads(_run(python, "-c", PROBE, cwd=cwd))
    package = Path(found["package"])
    _require(
        ROOT not in package.parents and package.parent.name == "site-packages",
        f"emorec came from {package}, not from the wheel",
    )
    _require(
        [Path(name) for name in found["folders"]] == [package / "cascades", package / "configs"],
        f"cascades and configs are at {found['folders']}, not inside {package}",
    )
    _require(
        not found["training_only"],
        f"the base install contains {', '.join(found['training_only'])}",
    )
    print(f"installed: {package}")
    output = _run(python.with_name("emorec"), "detect", PHOTO, "--json", cwd=cwd)
    (image,) = json.loads(output)["images"]
    (face,) = image["faces"]
    print(f"detect: {face['emotion']} {face['confidence']:.2f} at {face['box']}")
    # A clear smile: another result means a broken model or preprocessing.
    _require(face["emotion"] == "happy", f"detect returned {face} for {PHOTO.name}")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="emorec-wheel-") as name:
        scratch = Path(name).resolve()
        source, wheel = _build(scratch)
        _check_source(source)
        _check_wheel(wheel)
        print(_run(sys.executable, "-m", "twine", "check", "--strict", source, wheel, cwd=scratch))
        python = _install(wheel, scratch / "venv")
        elsewhere = scratch / "elsewhere"
        elsewhere.mkdir()
        _check_use(python, elsewhere)


if __name__ == "__main__":
    main()
