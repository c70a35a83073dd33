"""Run the notebooks in fresh kernels, and store their outputs in them.

    python scripts/run_notebooks.py              # all of notebooks/
    python scripts/run_notebooks.py photo

A change of a notebook, or of what it shows, ends with this. It needs the extra dev.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from emorec.atomic_files import write_bytes

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "notebooks"
TIMEOUT_S = 3600
"""For a cell, on a busy machine."""


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def run(name: str, scratch: Path) -> nbformat.NotebookNode:
    """Run a notebook from top to bottom in a kernel of its own.

    Args:
        name: Name of the notebook, without its suffix.
        scratch: An empty folder in which it runs, beside a copy of examples/; its temporary files
            are there too.

    Returns:
        The notebook with its outputs and without what differs from run to run.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell fails.
    """
    shutil.copytree(ROOT / "examples", scratch / "examples")
    (scratch / "notebooks").mkdir()
    (scratch / "tmp").mkdir()
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    client = NotebookClient(
        notebook,
        timeout=TIMEOUT_S,
        coalesce_streams=True,
        kernel_name="python3",
        resources={"metadata": {"path": str(scratch / "notebooks")}},
    )
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    client.execute(
        env={
            **{key: value for key, value in os.environ.items() if key != "MPLBACKEND"},
            "PYTHONPATH": os.pathsep.join(paths),
            "TMPDIR": str(scratch / "tmp"),
        }
    )
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type == "code":
            # Messages of TensorFlow as it starts, and others that depend on the machine.
            cell.outputs = [each for each in cell.outputs if each.get("name") != "stderr"]
    return notebook


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="*", help="names of notebooks; all by default")
    chosen = parser.parse_args().name or names()
    for name in chosen:
        if name not in names():
            sys.exit(f"no notebook {name!r}; there are {', '.join(names())}")
        with tempfile.TemporaryDirectory(prefix="emorec-notebook-") as scratch:
            notebook = run(name, Path(scratch).resolve())
        path = FOLDER / f"{name}.ipynb"
        write_bytes(path, f"{nbformat.writes(notebook)}\n".encode())
        print(f"{path.relative_to(ROOT)}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
