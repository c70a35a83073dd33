"""Make `import cv2` work on a machine without libGL, glib or libxcb.

The opencv-python wheels need these libraries of a desktop; opencv-python-headless does not. Both
packages install the same files, so one must be removed before the other is installed. A later
`pip install` that requires opencv-python brings the problem back.
"""

import argparse
import subprocess
import sys
from pathlib import Path

LIBRARY_MISSING = (
    "cannot open shared object file",  # glibc
    "Error loading shared library",  # musl
)

VERSION = "from importlib.metadata import version; print(version('opencv-python'))"


def _import_error(python: Path) -> str:
    """Try `import cv2`; return the last line of its error, empty without one."""
    done = subprocess.run([python, "-c", "import cv2"], capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


def _pip(python: Path, *arguments: str) -> None:
    # With a single -q pip warns about a package to uninstall that is not installed.
    quiet = ("-qq", "--disable-pip-version-check")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, *quiet, *arguments], check=True
    )


def ensure_opencv(python: Path, check_only: bool = False) -> str:
    """Replace opencv-python by opencv-python-headless if its system libraries are missing.

    Args:
        python: Interpreter of the environment to repair.
        check_only: Change nothing.

    Returns:
        The remaining problem and its fix; empty if `import cv2` works.
    """
    error = _import_error(python)
    if not any(text in error for text in LIBRARY_MISSING):
        return error and f"import cv2 fails in {python}: {error}"
    found = subprocess.run([python, "-c", VERSION], capture_output=True, text=True, check=False)
    version = found.stdout.strip()
    if check_only or not version:
        headless = "opencv-python-headless" + (f"=={version}" if version else "")
        return (
            f"opencv-python lacks a system library ({error}); either install it (Debian: "
            f"apt-get install libgl1 libglib2.0-0 libxcb1) or run: {python} -m pip uninstall -y "
            f"opencv-python opencv-python-headless && {python} -m pip install {headless}"
        )
    print(f"{error}: using opencv-python-headless {version} instead", file=sys.stderr)
    _pip(python, "uninstall", "--yes", "opencv-python", "opencv-python-headless")
    _pip(python, "install", "--no-deps", f"opencv-python-headless=={version}")
    error = _import_error(python)
    return error and f"import cv2 fails in {python}, with opencv-python-headless too: {error}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing, print the fix")
    problem = ensure_opencv(Path(sys.executable), parser.parse_args().check)
    if problem:
        sys.exit(problem)


if __name__ == "__main__":
    main()
