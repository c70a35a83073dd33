import json
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from emorec.errors import DataError
from emorec.training.checkpoint import (
    RunState,
    assign,
    best_epoch,
    capture,
    read_state,
    restore,
    write_state,
)


def rows(*accuracies: float) -> list[dict[str, float]]:
    return [
        {"epoch": i, "stage": 1, "loss": 1 / 3, "val_accuracy": value}
        for i, value in enumerate(accuracies, 1)
    ]


@pytest.fixture
def state() -> RunState:
    seed = np.array([7, 9], np.uint32)
    weights = [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((), np.float32)]
    return RunState(rows(0.25, 0.5), [*weights, seed], [np.int64(12), *weights], weights)


@pytest.mark.parametrize(
    ("accuracies", "expected"), [((), 0), ((0.5,), 1), ((0.5, 0.5), 1), ((0.1, 0.7, 0.2), 2)]
)
def test_the_first_best_epoch_counts(accuracies: tuple[float, ...], expected: int) -> None:
    assert best_epoch(rows(*accuracies)) == expected


@pytest.mark.parametrize(
    ("losses", "expected"),
    [((0.9, 0.4, 0.6), 2), ((0.4, 0.4, 0.4), 1), ((0.5, 0.6, 0.1), 3)],
)
def test_of_equal_accuracies_the_lowest_loss_counts(
    losses: tuple[float, ...], expected: int
) -> None:
    equal = [
        {**row, "val_loss": loss} for row, loss in zip(rows(0.9, 0.9, 0.9), losses, strict=True)
    ]
    assert best_epoch(equal) == expected
    # A better accuracy counts for more.
    assert best_epoch([*equal, {**rows(0.95)[0], "val_loss": 9}]) == 4


def test_the_last_epoch_of_a_run_that_is_not_validated_counts(tmp_path: Path) -> None:
    history = [{"epoch": i, "stage": 1, "loss": 1 / i} for i in (1, 2, 3)]
    assert [best_epoch(history[:count]) for count in range(4)] == [0, 1, 2, 3]
    write_state(tmp_path / "last.npz", RunState(history, [], [], []))
    assert read_state(tmp_path / "last.npz").history == history


def test_a_written_checkpoint_is_read_unchanged(tmp_path: Path, state: RunState) -> None:
    path = tmp_path / "last.npz"
    write_state(path, state)
    read = read_state(path)
    assert read.history == state.history
    assert [type(value) for value in read.history[0].values()] == [int, int, float, float]
    assert (read.epoch, read.stage) == (2, 1)
    for group in ("variables", "optimizer", "best"):
        for before, after in zip(getattr(state, group), getattr(read, group), strict=True):
            assert before.dtype == after.dtype
            np.testing.assert_array_equal(before, after)
    assert [entry.name for entry in tmp_path.iterdir()] == ["last.npz"]


def damage_middle(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 3] ^= 255
    path.write_bytes(data)


def cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def compress(path: Path) -> None:
    with np.load(path) as file:
        np.savez_compressed(path, **dict(file))


def pickle_inside(path: Path) -> None:
    np.savez(path, notes=np.array([{"format": 1}], object))


def other_text(path: Path) -> None:
    path.write_text("no checkpoint")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def remove(path: Path) -> None:
    path.unlink()


def notes(value: object):
    def change(path: Path) -> None:
        with np.load(path) as file:
            members = dict(file)
        members["notes"] = np.frombuffer(json.dumps(value).encode(), np.uint8)
        np.savez(path, **members)

    return change


def promise_too_much(path: Path) -> None:
    """A member whose header promises far more values than follow."""
    with zipfile.ZipFile(path, "a") as archive, archive.open("best_2.npy", "w") as member:
        np.lib.format.write_array_header_1_0(
            member, {"descr": "<f4", "fortran_order": False, "shape": (2**40,)}
        )


@pytest.mark.parametrize(
    "damage",
    [
        damage_middle,
        cut_short,
        compress,
        pickle_inside,
        other_text,
        empty,
        remove,
        notes([]),
        notes({"format": 2, "history": rows(0.5)}),
        notes({"format": 1, "history": []}),
        notes({"format": 1, "history": rows(0.5, 0.6)[1:]}),
        notes({"format": 1, "history": [{"epoch": 1, "stage": 1}]}),
        notes({"format": 1, "history": [{"epoch": 1, "stage": 1, "val_accuracy": "high"}]}),
        promise_too_much,
    ],
)
def test_a_damaged_checkpoint_is_refused_in_one_line(
    tmp_path: Path, state: RunState, damage
) -> None:
    path = tmp_path / "last.npz"
    write_state(path, state)
    damage(path)
    with pytest.raises(DataError, match=r"last\.npz: not a checkpoint, or a damaged one") as caught:
        read_state(path)
    assert "\n" not in str(caught.value)


def compiled(units: int = 3) -> keras.Model:
    model = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(units), keras.layers.Dropout(0.5)]
    )
    optimizer = keras.optimizers.AdamW(0.1, use_ema=True, ema_momentum=0.9)
    model.compile(optimizer, "mse")
    return model


def step(model: keras.Model) -> float:
    return float(model.train_on_batch(np.ones((8, 4), np.float32), np.ones((8, 3), np.float32)))


def test_a_restored_model_takes_the_same_steps(tmp_path: Path) -> None:
    model, path = compiled(), tmp_path / "last.npz"
    for _ in range(3):
        step(model)
    write_state(path, capture(model, model, rows(0.5), model.get_weights()))
    other = compiled()
    restore(other, other, read_state(path), path)
    after = [step(model) for _ in range(3)]
    assert [step(other) for _ in range(3)] == after
    # Dropout makes each step another one.
    assert len(set(after)) == 3


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ([np.zeros((4, 2), np.float32), np.zeros(2, np.float32)], r"variable 0 as \(\(4, 2\)"),
        ([np.zeros((4, 3)), np.zeros(3, np.float32)], "float64"),
        ([np.zeros((4, 3), np.float32)], "1 variables, the run has 2"),
    ],
)
def test_values_of_another_model_are_refused(
    tmp_path: Path, arrays: list[np.ndarray], message: str
) -> None:
    model = compiled()
    before = model.get_weights()
    with pytest.raises(DataError, match=message):
        assign(model.weights, arrays, tmp_path / "last.npz")
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
