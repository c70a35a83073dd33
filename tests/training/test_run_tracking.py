import csv
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from helpers.everything import settings

from emorec.errors import DataError
from emorec.training import run_tracking
from emorec.training.config import TrainConfig
from emorec.training.run_tracking import FILES, tracked, tracked_before
from emorec.training.tracked_run import TrackedRun
from emorec.training.training_progress import TrainingProgress

ROWS = [{"epoch": 1, "stage": 1, "loss": 2.0}, {"epoch": 2, "stage": 1, "loss": 1.0}]


class Memory:
    """A tracker in memory, which fails when it is asked to."""

    def __init__(self, run: TrackedRun, run_id: str | None) -> None:
        self.run, self.run_id = run, run_id or "new1"
        self.continued = run_id is not None
        self.place = "memory"
        self.rows: list[Mapping[str, float]] = []
        self.ended: list[tuple[str, Mapping[str, float], list[str]]] = []
        self.broken = False

    def log_epochs(self, history: Sequence[Mapping[str, float]]) -> None:
        if self.broken:
            raise ConnectionError("the server is away\nsecond line")
        self.rows += history[len(self.rows) :]

    def finish(self, outcome: str, figures: Mapping[str, float], files: Sequence[Path]) -> None:
        self.ended.append((outcome, figures, [path.name for path in files]))


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Memory]:
    found: list[Memory] = []

    def open_tracker(name: str, run: TrackedRun, run_id: str | None) -> Memory:
        if name == "wandb":
            raise OSError("no space left")
        found.append(Memory(run, run_id))
        return found[-1]

    monkeypatch.setattr(run_tracking, "_open", open_tracker)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "runs" / "a"
    path.mkdir(parents=True)
    (path / "environment.json").write_text(json.dumps({"run": "a", "python": "3"}))
    return path


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]


def test_without_trackers_nothing_is_written(folder: Path) -> None:
    with tracked(folder, TrainConfig(), ()) as tracking:
        tracking.log_epochs(ROWS)
        tracking.finish("finished", FILES)
    assert tracking.places == ()
    assert [path.name for path in folder.iterdir()] == ["environment.json"]
    assert tracked_before(folder) == {}


def test_a_run_is_logged_and_found_again(folder: Path, opened: list[Memory]) -> None:
    with tracked(folder, TrainConfig(epochs=7), ["mlflow", "mlflow"]) as tracking:
        tracking.log_epochs(ROWS[:1])
    assert tracked_before(folder) == {"mlflow": "new1"}
    (first,) = opened
    assert first.run.settings["epochs"] == 7
    assert first.run.settings["augmentation"]["rotation"] == 20
    assert first.run.environment["python"] == "3"
    metrics = {"accuracy": 0.5, "best_epoch": 2, "beats_majority": True, "per_class": [1]}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    (folder / "report.html").write_text("with images")
    with tracked(folder, TrainConfig(), tracked_before(folder)) as tracking:
        tracking.log_epochs(ROWS)
        tracking.finish("finished", FILES)
    second = opened[1]
    assert second.continued
    figures = {"accuracy": 0.5, "best_epoch": 2}
    assert second.ended == [("finished", figures, ["environment.json", "metrics.json"])]
    assert tracking.places == ("mlflow: memory",)


@pytest.mark.parametrize(
    ("error", "outcome"), [(KeyboardInterrupt, "killed"), (DataError, "failed")]
)
def test_a_run_that_ends_early_is_marked(
    folder: Path, opened: list[Memory], error: type[BaseException], outcome: str
) -> None:
    with pytest.raises(error), tracked(folder, TrainConfig(), ["mlflow"]):
        raise error
    assert opened[0].ended == [(outcome, {}, [])]


def test_a_tracker_that_fails_warns_once_and_is_tried_again_at_the_end(
    folder: Path, opened: list[Memory], caplog: pytest.LogCaptureFixture
) -> None:
    with tracked(folder, TrainConfig(), ["mlflow"]) as tracking:
        opened[0].broken = True
        for count in (1, 2):
            tracking.log_epochs(ROWS[:count])
        assert opened[0].rows == []
        opened[0].broken = False
        tracking.finish("finished", FILES)
    assert opened[0].rows == ROWS
    assert warnings(caplog) == [
        "mlflow fails, and the training goes on without it: the server is away"
    ]


def test_a_tracker_that_cannot_begin_does_not_end_the_others(
    folder: Path, opened: list[Memory], caplog: pytest.LogCaptureFixture
) -> None:
    with tracked(folder, TrainConfig(), ["wandb", "mlflow"]) as tracking:
        tracking.log_epochs(ROWS)
    assert opened[0].rows == ROWS
    assert tracked_before(folder) == {"mlflow": "new1"}
    assert len(warnings(caplog)) == 1
    assert "no space left" in warnings(caplog)[0]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"other": "a"}',
        '{"mlflow": 1}',
        '{"mlflow": "../../x"}',
        '{"wandb": ""}',
        '{"mlflow": "' + "a" * 65 + '"}',
    ],
)
def test_damaged_ids(folder: Path, content: str) -> None:
    (folder / "tracking.json").write_text(content)
    with pytest.raises(DataError, match=r"tracking\.json"):
        tracked_before(folder)


def test_every_tracker_has_a_class(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    from emorec.training import mlflow_tracker, wandb_tracker

    made: list[Any] = []
    monkeypatch.setattr(mlflow_tracker, "MlflowTracker", lambda *words: made.append(words))
    monkeypatch.setattr(wandb_tracker, "WandbTracker", lambda *words: made.append(words))
    run = TrackedRun(folder, {}, {})
    for name in run_tracking.TRACKERS:
        run_tracking._open(name, run, "id1")
    assert made == [(run, "id1")] * 2


def stop_in_epoch(number: int) -> Callable[[TrainingProgress], None]:
    def stop(progress: TrainingProgress) -> None:
        if (progress.epoch, progress.batch) == (number, 1):
            raise KeyboardInterrupt

    return stop


@pytest.mark.slow
@pytest.mark.usefixtures("quick_network")
def test_a_run_is_tracked_over_an_interruption(
    tiny_data: Path, tmp_path: Path, opened: list[Memory]
) -> None:
    from emorec.training.runner import resume, train

    config = settings(epochs=3)
    result = train(config, tiny_data, tmp_path, progress=stop_in_epoch(2), track=["mlflow"])
    assert result.tracked == ("mlflow: memory",)
    assert opened[0].ended[0][0] == "killed"
    assert [row["epoch"] for row in opened[0].rows] == [1]
    resumed = resume(result.folder)  # tracked on, though nothing says so
    assert resumed is not None
    tracker = opened[1]
    assert tracker.continued
    with (result.folder / "history.csv").open() as file:
        history = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]
    assert tracker.rows == history
    outcome, figures, files = tracker.ended[0]
    assert outcome == "finished"
    assert figures["accuracy"] == resumed.scores.accuracy
    assert set(files) == set(FILES)
    assert tracker.run.settings["epochs"] == 3


@pytest.mark.slow
@pytest.mark.usefixtures("quick_network")
def test_a_cross_validation_is_one_tracked_run(
    tiny_data: Path, tmp_path: Path, opened: list[Memory]
) -> None:
    from emorec.training.cross_validation import cross_validate

    config = settings(epochs=2, mix_off_epochs=0, limit=60)
    result = cross_validate(config, tiny_data, tmp_path, 2, track=["mlflow"])
    (tracker,) = opened
    assert [row["epoch"] for row in tracker.rows] == [1, 2]
    for index in (0, 1):
        values = [row[f"accuracy_fold_0{index + 1}"] for row in tracker.rows]
        assert values == result.figures.accuracies[index].tolist()
    outcome, figures, files = tracker.ended[0]
    assert (outcome, figures["accuracy"]) == (
        "finished",
        result.figures.evaluation.scores.accuracy,
    )
    assert {"model.onnx", "model.keras", "metrics.json"} <= set(files)
    assert not {"predictions.csv", "folds.json", "cross_validation.html"} & set(files)
