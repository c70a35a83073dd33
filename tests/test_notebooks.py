"""The notebooks run from top to bottom, and their stored outputs are those of such a run."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
NAMES = ("photo", "session", "training")
MAX_BYTES = 300_000

RESULTS = {
    "photo": [r"^Box\(.*\) happy 100\.0%$", r"^out of focus .* uncertain$", r"^mouth +\d\d%$"],
    "session": [r"^talk\.mp4: 100 frames, 10\.0 s, 2 faces$", r"^Anna +0\.0 ", r"^Ben +3\.0 "],
    "training": [r"^accuracy on the test split: ([6-9]\d|100)\.\d% \(95 % interval "],
}
"""Lines that a run of each notebook prints, whatever the machine."""


def stored(name: str) -> dict[str, Any]:
    """Read a notebook of notebooks/."""
    text = (ROOT / "notebooks" / f"{name}.ipynb").read_text("utf-8")
    notebook: dict[str, Any] = json.loads(text)
    return notebook


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell: dict[str, Any]) -> str:
    return "".join(cell["source"])


def texts(notebook: dict[str, Any]) -> str:
    """Return all that the cells print, and their results as text."""
    found = []
    for output in (each for cell in code_cells(notebook) for each in cell["outputs"]):
        found.append("".join(output.get("text", output.get("data", {}).get("text/plain", ""))))
    return "\n".join(found)


def kinds(notebook: dict[str, Any]) -> list[list[str]]:
    """Return the kinds of the outputs of each cell: streams by name, results by media type."""
    return [
        [
            output.get("name") or " ".join(sorted(output.get("data", {"error": ""})))
            for output in cell["outputs"]
        ]
        for cell in code_cells(notebook)
    ]


def test_all_notebooks_are_tested():
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")) == list(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_stored_outputs_are_small_and_of_one_clean_run(name: str):
    assert (ROOT / "notebooks" / f"{name}.ipynb").stat().st_size < MAX_BYTES
    notebook = stored(name)
    cells = code_cells(notebook)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert any("image/" in kind for cell in kinds(notebook) for kind in cell)
    assert {"stderr", "error"}.isdisjoint(kind for cell in kinds(notebook) for kind in cell)
    assert [cell["metadata"] for cell in notebook["cells"]] == [{}] * len(notebook["cells"])
    assert re.findall(r"/(?:home|root|tmp|Users|work)\b\S*", texts(notebook)) == []
    for line in RESULTS[name]:
        assert re.search(line, texts(notebook), re.M), line


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_states_what_labels_mean_and_names_existing_files(name: str):
    cells = stored(name)["cells"]
    words = "\n".join(source(cell) for cell in cells if cell["cell_type"] == "markdown")
    assert "**What the labels mean.**" in words
    assert "## Limits" in words
    paths = re.findall(r"`((?:docs|notebooks)/[\w.-]+|[A-Z_]+\.md)`", words)
    assert len(paths) >= 2
    assert [path for path in paths if not (ROOT / path).is_file()] == []
    others = re.findall(r"`(\w+)\.ipynb`", words)
    assert set(others) <= set(NAMES)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_runs_from_top_to_bottom(name: str, tmp_path: Path):
    pytest.importorskip("nbclient", exc_type=ImportError)
    import run_notebooks

    notebook = run_notebooks.run(name, tmp_path)
    assert kinds(notebook) == kinds(stored(name)), "run python scripts/run_notebooks.py"
    for line in RESULTS[name]:
        assert re.search(line, texts(notebook), re.M), texts(notebook)
    assert [path.name for path in (tmp_path / "notebooks").iterdir()] == []
