import sqlite3
from pathlib import Path

import pytest
from helpers.example_trials import SPACE, figures

from emorec.errors import DataError
from emorec.training.tuning_records import TrialOutcome
from emorec.training.tuning_study import TuningStudy, check_storage

OWN = {"learning_rate": 0.1, "dropout": 0.0, "batch_size": 64}


def study(path: Path, **changes: bool) -> TuningStudy:
    options = {"minimize": False, "pruning": True, **changes}
    return TuningStudy(path / "study.db", SPACE, epochs=4, seed=0, **options)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("CREATE TRIGGER a AFTER INSERT ON t BEGIN DELETE FROM t; END", "'a'"),
        ("CREATE VIEW b AS SELECT * FROM t", "'b'"),
        (
            # Its module need not exist here.
            "PRAGMA writable_schema=ON; INSERT INTO sqlite_master VALUES "
            "('table', 'c', 'c', 0, 'CREATE VIRTUAL TABLE c USING rtree(x)')",
            "'c'",
        ),
    ],
)
def test_a_database_that_runs_something(tmp_path: Path, statement: str, message: str) -> None:
    path = tmp_path / "study.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    check_storage(path)
    with sqlite3.connect(path) as connection:
        connection.executescript(statement)
    with pytest.raises(DataError, match=f"study.db: not the storage of a search: .*{message}"):
        check_storage(path)


def test_files_that_are_no_storage(tmp_path: Path) -> None:
    check_storage(tmp_path / "none.db")
    (tmp_path / "text.db").write_text("no database, but long enough for its header " * 20)
    (tmp_path / "link.db").symlink_to(tmp_path / "elsewhere.db")
    with (tmp_path / "large.db").open("wb") as file:
        file.truncate(2**28 + 1)
    for name in ("text.db", "link.db", "large.db"):
        with pytest.raises(DataError, match="not the storage of a search"):
            check_storage(tmp_path / name)


@pytest.mark.slow
def test_a_database_of_another_program(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    with sqlite3.connect(tmp_path / "study.db") as connection:
        connection.execute("CREATE TABLE trials (x)")
    with pytest.raises(DataError, match="not the storage of a search"):
        study(tmp_path)


@pytest.mark.slow
def test_an_interrupted_trial_is_repeated_with_its_settings_and_folder(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    first = study(tmp_path)
    first.enqueue_first(OWN)
    assert first.begin_trial() == (1, "trial-001", OWN)
    first.report(1, 0.5)
    second = study(tmp_path)  # the first process was killed
    second.release_interrupted()
    second.enqueue_first(OWN)
    assert second.records() == ()
    assert second.begin_trial() == (1, "trial-001", OWN)
    second.report(1, 0.5)
    second.end_trial(TrialOutcome("complete", "", figures(0.6)), "accuracy")
    number, folder, settings = second.begin_trial()
    assert (number, folder) == (2, "trial-002")
    assert settings != OWN
    third = study(tmp_path)
    for _ in range(2):  # again after a kill in the midst of it
        third.release_interrupted()
    assert third.begin_trial() == (2, "trial-002", settings)
    (record,) = third.records()
    assert (record.settings, record.value("accuracy"), record.epochs) == (OWN, 0.6, 1)
    assert third.used_seconds > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("folder", '"../../elsewhere"'),
        ("folder", "[]"),
        ("figures", '{"values": {}}'),
        ("dropout", "1e300"),
    ],
)
def test_a_storage_of_somebody_else(tmp_path: Path, column: str, value: str) -> None:
    pytest.importorskip("optuna")
    found = study(tmp_path)
    found.enqueue_first(OWN)
    found.begin_trial()
    found.report(1, 0.5)
    found.end_trial(TrialOutcome("complete", "", figures(0.6)), "accuracy")
    assert len(found.records()) == 1
    with sqlite3.connect(tmp_path / "study.db") as connection:
        if column == "dropout":
            statement = "UPDATE trial_params SET param_value = ? WHERE param_name = ?"
        else:
            statement = "UPDATE trial_user_attributes SET value_json = ? WHERE key = ?"
        assert connection.execute(statement, (value, column)).rowcount == 1
    with pytest.raises(DataError, match=r"study\.db: damaged"):
        study(tmp_path).records()


@pytest.mark.slow
def test_pruning_and_importances(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    found = study(tmp_path)
    assert found.importances() == {}
    for number in range(1, 10):
        _, _, settings = found.begin_trial()
        for epoch in (1, 2):
            assert not found.report(epoch, 0.5)
        value = 0.5 + settings["dropout"] + number / 1e4
        found.end_trial(TrialOutcome("complete", "", figures(value)), "accuracy")
    importances = found.importances()
    assert importances.keys() == OWN.keys()
    assert next(iter(importances)) == "dropout"
    found.begin_trial()
    assert not found.report(1, 0.1)  # too early
    assert found.report(2, 0.1)
    found.end_trial(TrialOutcome("pruned", "worse"), "accuracy")
    assert found.records()[-1].outcome == TrialOutcome("pruned", "worse")
    (tmp_path / "other").mkdir()
    other = study(tmp_path / "other", pruning=False)
    other.begin_trial()
    assert not other.report(3, 0.0)
