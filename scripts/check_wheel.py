"""Build the wheel, install it into a new environment, and run it outside the checkout."""

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from _opencv import ensure_opencv

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


def _build(folder: Path) -> Path:
    """Build the source archive, and from it the wheel; return the wheel."""
    _run(sys.executable, "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    return wheel


def _check_content(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
    print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.2f} MB, {len(sizes)} files")
    totals: Counter[str] = Counter()
    for name, size in sizes.items():
        totals["/".join(name.split("/")[:2]) if name.count("/") > 1 else name.split("/")[0]] += size
    for name, size in sorted(totals.items()):
        print(f"  {size / 1e3:9.1f} kB  {name}")
    missing = [name for name in EXPECTED if name not in sizes]
    _require(not missing, f"the wheel lacks {', '.join(missing)}")
    others = {name.split("/")[0] for name in sizes if not name.startswith("emorec")}
    _require(not others, f"the wheel contains more than emorec: {', '.join(sorted(others))}")


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
        wheel = _build(scratch)
        _check_content(wheel)
        python = _install(wheel, scratch / "venv")
        elsewhere = scratch / "elsewhere"
        elsewhere.mkdir()
        _check_use(python, elsewhere)


if __name__ == "__main__":
    main()
