"""Makes `import cv2` work on a machine without libGL, glib or libxcb.

The opencv-python wheels need these libraries of a desktop, opencv-python-headless does not. Both
put the same files in the same place, so one has to go before the other comes, and a later
`pip install` that wants opencv-python brings the trouble back.
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
    """Try `import cv2`; give the last line of what went wrong, or nothing."""
    done = subprocess.run([python, "-c", "import cv2"], capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2] if done.returncode else ""


def _pip(python: Path, *arguments: str) -> None:
    # Doubly quiet, or pip warns of what is not there to be uninstalled.
    quiet = ("-qq", "--disable-pip-version-check")
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", python, *quiet, *arguments], check=True
    )


def ensure_opencv(python: Path, only_tell: bool = False) -> str:
    """Put opencv-python-headless in the place of opencv-python where only that can be imported.

    Args:
        python: Interpreter of the environment to mend.
        only_tell: Change nothing.

    Returns:
        What is still wrong and what to do about it; empty if `import cv2` works.
    """
    error = _import_error(python)
    if not any(text in error for text in LIBRARY_MISSING):
        return error and f"import cv2 fails in {python}: {error}"
    found = subprocess.run([python, "-c", VERSION], capture_output=True, text=True, check=False)
    version = found.stdout.strip()
    if only_tell or not version:
        headless = "opencv-python-headless" + (f"=={version}" if version else "")
        return (
            f"opencv-python lacks a library of the system ({error}); either install it (Debian: "
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
    parser.add_argument("--only-tell", action="store_true", help="change nothing, name the way out")
    problem = ensure_opencv(Path(sys.executable), parser.parse_args().only_tell)
    if problem:
        sys.exit(problem)


if __name__ == "__main__":
    main()
