"""Run YuNet's tests and `emorec detect` on OpenCV 5, in an environment of its own.

The environment has OpenCV 5 and takes all other packages from the one that runs this script.
"""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PHOTO = ROOT / "examples" / "astronaut.jpg"

OPENCV = "opencv-python-headless==5.0.0.93"
"""It has the modules of opencv-python, and needs no libraries of a desktop."""

TESTS = (
    "tests/detection/test_yunet.py",
    "tests/detection/test_registry.py",
    "tests/inference/test_recognizer.py",
    "tests/cli/detect/test_command.py",
)
WITHOUT_HAAR = "not haar and not cascade"


def _environment(folder: Path) -> str:
    """Make the environment; return its interpreter."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", OPENCV], check=True)
    query = [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    own = Path(subprocess.run(query, check=True, capture_output=True, text=True).stdout.strip())
    # The paths of .pth files come after the environment's own packages.
    (own / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return python


def _detect(python: str, *options: str) -> subprocess.CompletedProcess[str]:
    command = [python, "-m", "emorec", "detect", str(PHOTO), "--json", "--no-save", *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def _require(holds: bool, problem: str) -> None:
    if not holds:
        sys.exit(f"check_opencv5: {problem}")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="emorec-opencv5-") as name:
        python = _environment(Path(name).resolve() / "venv")
        query = [python, "-c", "import cv2; print(cv2.__version__)"]
        version = subprocess.run(query, check=True, capture_output=True, text=True).stdout.strip()
        _require(version.startswith("5."), f"OpenCV {version} was imported, not 5")

        done = _detect(python)
        _require(done.returncode == 0, f"detect failed: {done.stderr}")
        (face,) = json.loads(done.stdout)["images"][0]["faces"]
        print(f"OpenCV {version}: {face['detector']}, {face['emotion']} at {face['box']}")
        _require((face["detector"], face["emotion"]) == ("yunet", "happy"), f"found {face}")

        done = _detect(python, "--detector", "haar")
        print(f"--detector haar: exit code {done.returncode}, {done.stderr.strip()}")
        _require(done.returncode == 6, "--detector haar must end with exit code 6")
        _require("opencv-contrib-python" in done.stderr, "the message must name the wheel")

        tests = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", WITHOUT_HAAR, *TESTS]
        sys.exit(subprocess.run(tests, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
