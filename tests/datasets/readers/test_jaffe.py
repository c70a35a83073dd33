"""JAFFE by its file names."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import manifest_rows, noise_png
from helpers.published_trees import make_jaffe, write_images

from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.registry import read_source


def test_nobody_is_in_two_splits(tmp_path: Path, dest: Path) -> None:
    make_jaffe(tmp_path / "JAFFE/jaffedbase")
    prepare_data(tmp_path / "JAFFE", dest)
    rows = manifest_rows(dest)
    assert {row["group"] for row in rows} == {"KA", "KL", "KM", "KR"}
    assert len({(row["group"], row["split"]) for row in rows}) == 4
    assert {Path(row["path"]).name[3:5]: row["label"] for row in rows} == {
        "AN": "angry",
        "HA": "happy",
        "NE": "neutral",
    }


def test_other_names_are_named(tmp_path: Path) -> None:
    make_jaffe(tmp_path)
    (tmp_path / "KA.HA9.tiff").write_bytes(noise_png(1))
    rows = read_source(tmp_path)
    assert len(rows.names) == 24
    assert rows.notes == ["images without a person in the name are skipped: 1 (KA.HA9.tiff)"]


def test_every_expression_is_known(tmp_path: Path) -> None:
    codes = ("AN", "DI", "FE", "HA", "NE", "SA", "SU")
    write_images(tmp_path, [f"{p}.{code}1.1.tiff" for p in ("KA", "KL", "KM") for code in codes])
    labels = (read_source(tmp_path).labels or [])[:7]
    assert labels == ["angry", "disgust", "fear", "happy", "neutral", "sad", "surprise"]


@pytest.mark.slow
def test_tiff_files_are_copied(tmp_path: Path, dest: Path) -> None:
    make_jaffe(tmp_path / "jaffe", ("KA", "KL", "KM"))
    content = cv2.imencode(".tiff", np.full((256, 256), 128, np.uint8))[1].tobytes()
    for file in sorted((tmp_path / "jaffe").glob("KA.*")):
        file.write_bytes(content)
    prepare_data(tmp_path / "jaffe", dest, PrepareOptions(faces="none"))
    assert sum(file.read_bytes() == content for file in dest.rglob("*.tiff")) == 6
