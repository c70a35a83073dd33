from types import SimpleNamespace

import numpy as np
import pytest

from emorec.cli.explanation_report import SCHEMA_VERSION, ExplanationReport
from emorec.evaluation.explain import Explanation
from emorec.frames import Frame
from emorec.types import Box, Face, FaceEmotion, Prediction

RECOGNIZER = SimpleNamespace(
    labels=("happy", "sad"),
    settings={"detector": "stub", "device": "cpu"},
    metadata=SimpleNamespace(name="model", version="2"),
)


FRAME = Frame.from_image(np.zeros((50, 60, 3), np.uint8))
FACES = [
    FaceEmotion(Face(Box(1, 2, 30, 31), "stub", 1.0), Prediction({"happy": 0.9, "sad": 0.1}))
] * 2


def explanation(probability: float = 0.9, least: float | None = 0.25) -> Explanation:
    heat = np.ones((16, 16), np.float32)
    parts = {"eyes": 0.2, "nose": 0.0, "mouth": 0.7, "elsewhere": 0.1}
    matrix = np.array([[2.0, 0, 1], [0, 2.0, 2]])
    return Explanation(
        FACES[0], "happy", probability, "occlusion", heat, matrix, least, parts if least else None
    )


def make(shows_table: bool = True) -> ExplanationReport:
    return ExplanationReport(RECOGNIZER, ["a.png", "\x1b.png"], shows_table)


@pytest.mark.parametrize(
    ("probability", "least", "cells"),
    [
        (0.9, 0.25, ["90.0%", "25.0%", "mouth 70%, eyes 20%, elsewhere 10%, nose 0%"]),
        (0.9, None, ["90.0%"]),
        (0.0002, 0.0, ["< 0.1%"]),
    ],
)
def test_a_row(
    capsys: pytest.CaptureFixture[str], probability: float, least: float | None, cells: list[str]
) -> None:
    make().add("a.png", FRAME, FACES, {1: explanation(probability, least)}, None)
    header, row = capsys.readouterr().out.splitlines()
    assert header.split()[0] == "file"
    assert row.split()[:5] == ["a.png", "2", "1,2", "30x31", "happy"]
    assert " ".join(row.split()).endswith(" ".join(cells)) or least == 0


def test_problems_and_figures(capsys: pytest.CaptureFixture[str], tmp_path) -> None:
    report = make()
    assert not report.failed
    report.add_unreadable("\x1b.png", "\x1b.png: no such file")
    report.add("a.png", FRAME, [], {}, None)
    report.add("a.png", FRAME, FACES, {0: explanation()}, tmp_path / "f.png")
    report.list_figures()
    out, err = capsys.readouterr()
    assert report.failed
    assert err.startswith("error: ")
    assert "\x1b" not in err
    assert out.splitlines()[1].split() == ["a.png", "-", "no", "face"]
    assert out.splitlines()[-1] == f"wrote {tmp_path / 'f.png'}"
    document = report.document("occlusion", 0.25)
    assert document["schema_version"] == SCHEMA_VERSION
    unreadable, empty, explained = document["images"]
    assert (unreadable["status"], empty["status"], explained["status"]) == (
        *("unreadable", "no_face", "ok"),
    )
    assert explained["faces"][1]["explanation"] is None
    assert explained["faces"][0]["explanation"]["corners"][2] == [33, 34]
    assert report.document("grad-cam", 0.25)["patch"] is None


def test_no_table(capsys: pytest.CaptureFixture[str]) -> None:
    make(shows_table=False).add("a.png", FRAME, FACES, {0: explanation()}, None)
    assert capsys.readouterr().out == ""
