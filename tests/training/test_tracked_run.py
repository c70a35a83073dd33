from pathlib import Path
from typing import Any

import pytest

from emorec.training.tracked_run import TrackedRun, curves, flat_settings


@pytest.mark.parametrize(
    ("settings", "flat"),
    [
        ({}, {}),
        ({"epochs": 3, "policy": None}, {"epochs": 3, "policy": None}),
        ({"augmentation": {"zoom": 0.1}}, {"augmentation.zoom": 0.1}),
        ({"augmentation": {}}, {"augmentation": "{}"}),
        ({"teacher": ["a", "b"]}, {"teacher": '["a", "b"]'}),
        ({"label_map": {"no!": "sad"}}, {"label_map": '{"no!": "sad"}'}),
    ],
)
def test_flat_settings(settings: dict[str, Any], flat: dict[str, Any]) -> None:
    assert flat_settings(settings) == flat


def test_curves_have_the_names_of_the_history() -> None:
    assert curves({}) == {}
    row = {"epoch": 2, "stage": 1, "learning_rate": 0.1, "val_loss": 2.0}
    assert curves(row) == {"learning_rate": 0.1, "val_loss": 2.0}


def test_a_run_has_the_name_of_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    monkeypatch.chdir(tmp_path / "a")
    run = TrackedRun(Path(), {}, {})
    assert (run.name, run.parent) == ("a", tmp_path)
