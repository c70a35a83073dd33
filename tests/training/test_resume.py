import json
import resource
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers.everything import settings
from helpers.tensorboard_curves import curves

from emorec.errors import ConfigError, DataError
from emorec.training import finish as finish_module
from emorec.training import run_folder
from emorec.training.batches import AugmentedBatches
from emorec.training.callbacks import LossError
from emorec.training.runner import resume, train
from emorec.training.training_progress import TrainingProgress

CHECKPOINT = Path("checkpoints") / "last.npz"


pytestmark = pytest.mark.usefixtures("quick_network")


class KilledError(BaseException):
    """Ends a run at once, as a kill does: it is never caught."""


def at(epoch: int, batch: int, act: Callable[[], None]) -> Callable[[TrainingProgress], None]:
    def report(progress: TrainingProgress) -> None:
        if (progress.epoch, progress.batch, progress.epoch_done) == (epoch, batch, False):
            act()

    return report


def kill() -> None:
    raise KilledError


def metrics_of(run: Path) -> dict:
    metrics = json.loads((run / "metrics.json").read_text())
    # The model has the name of its run.
    return {key: value for key, value in metrics.items() if key not in ("parity", "model", "name")}


@pytest.fixture(scope="module")
def whole_run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run without interruption."""
    return train(settings(), tiny_data, tmp_path_factory.mktemp("whole")).folder


@pytest.fixture(scope="module")
def _killed(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs = tmp_path_factory.mktemp("killed")
    with pytest.raises(KilledError):
        train(settings(), tiny_data, runs, progress=at(3, 2, kill), tensorboard=True)
    (folder,) = runs.iterdir()
    return folder


@pytest.fixture
def killed_run(_killed: Path, tmp_path: Path) -> Path:
    """The same run, killed in its third epoch."""
    return Path(shutil.copytree(_killed, tmp_path / "runs" / "killed"))


@pytest.mark.slow
def test_a_run_killed_twice_ends_as_one_without_interruption(
    whole_run: Path, killed_run: Path
) -> None:
    assert len((killed_run / "history.csv").read_text().splitlines()) == 1 + 2
    (killed_run / ".partial-1-curves.png").write_bytes(b"half")
    (killed_run / "checkpoints" / ".partial-1-last.npz").write_bytes(b"half")
    # A kill between the checkpoint and the history.
    (killed_run / "history.csv").unlink()
    with pytest.raises(KilledError):
        resume(killed_run, progress=at(4, 6, kill))
    steps: list[TrainingProgress] = []
    outcome = resume(killed_run, progress=steps.append)
    assert outcome is not None
    assert (steps[0].epoch, steps[0].batch) == (4, 1)
    assert (killed_run / "history.csv").read_bytes() == (whole_run / "history.csv").read_bytes()
    assert metrics_of(killed_run) == metrics_of(whole_run)
    names = {path.name for path in whole_run.iterdir()} | {"tensorboard"}
    assert {path.name for path in killed_run.iterdir()} == names
    curve = curves(killed_run / "tensorboard" / "validation")["accuracy"]
    assert [step for step, _ in curve] == [1, 2, 3, 4]


def test_a_run_is_resumed_by_one_process_at_a_time(killed_run: Path) -> None:
    before = {path: path.read_bytes() for path in killed_run.rglob("*") if path.is_file()}
    with (
        run_folder.in_use(killed_run),
        pytest.raises(DataError, match=r"another emorec train uses this run \(process \d+ on "),
    ):
        resume(killed_run)
    assert {path: path.read_bytes() for path in killed_run.rglob("*") if path.is_file()} == before


@pytest.mark.slow
def test_a_run_killed_while_writing_its_files_is_finished(
    whole_run: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(finish_module, "export_onnx", killed)
        with pytest.raises(KilledError):
            train(settings(), tiny_data, tmp_path)
    (folder,) = tmp_path.iterdir()
    assert not (folder / "model.onnx").exists()
    steps: list[TrainingProgress] = []
    outcome = resume(folder, progress=steps.append)
    assert outcome is not None
    assert not outcome.interrupted
    assert steps == []
    assert (folder / "model.onnx").is_file()
    assert metrics_of(folder) == metrics_of(whole_run)
    assert resume(folder) is None


@pytest.mark.slow
def test_a_run_ended_by_ctrl_c_is_resumed(whole_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    outcome = train(settings(), tiny_data, tmp_path, progress=at(2, 3, interrupt))
    assert outcome.interrupted
    assert (outcome.folder / "model.onnx").is_file()
    again = resume(outcome.folder)
    assert again is not None
    assert not again.interrupted
    expected = (whole_run / "history.csv").read_bytes()
    assert (outcome.folder / "history.csv").read_bytes() == expected


@pytest.mark.slow
def test_a_run_killed_in_its_first_epoch_starts_again(whole_run: Path, killed_run: Path) -> None:
    shutil.rmtree(killed_run / "checkpoints")
    (killed_run / "history.csv").unlink()
    assert resume(killed_run) is not None
    assert (killed_run / "history.csv").read_bytes() == (whole_run / "history.csv").read_bytes()


@pytest.mark.slow
def test_patience_survives_a_kill(tiny_data: Path, tmp_path: Path) -> None:
    # A rate that changes nothing: the first epoch stays the best.
    still = settings(epochs=9, patience=3, learning_rate=1e-12, schedule="constant", ema=0.0)
    with pytest.raises(KilledError):
        train(still, tiny_data, tmp_path, progress=at(3, 2, kill))
    (folder,) = tmp_path.iterdir()
    steps: list[TrainingProgress] = []
    assert resume(folder, progress=steps.append) is not None
    whole = train(still, tiny_data, tmp_path).folder
    assert (folder / "history.csv").read_bytes() == (whole / "history.csv").read_bytes()
    assert steps[-1].epoch < 9


@pytest.mark.slow
def test_a_loss_that_is_not_finite_keeps_the_last_good_model(
    whole_run: Path, tiny_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = AugmentedBatches.__getitem__

    def spoiled(self: AugmentedBatches, index: int):
        images, targets = real(self, index)
        return images, (targets * np.nan if (self._epoch, index) == (1, 3) else targets)

    with monkeypatch.context() as patch:
        patch.setattr(AugmentedBatches, "__getitem__", spoiled)
        with pytest.raises(
            LossError, match=r"nan in epoch 2, batch 4;.* keeps the model of epoch 1"
        ):
            train(settings(), tiny_data, tmp_path)
    (folder,) = tmp_path.iterdir()
    assert (folder / "model.onnx").is_file()
    assert metrics_of(folder)["epochs"] == 1
    assert resume(folder) is not None
    assert (folder / "history.csv").read_bytes() == (whole_run / "history.csv").read_bytes()


@pytest.mark.slow
def test_a_failed_write_keeps_the_previous_checkpoint(whole_run: Path, killed_run: Path) -> None:
    before = (killed_run / CHECKPOINT).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def no_more_space() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, hard))

    try:
        with pytest.raises(
            DataError, match=r"last\.npz: cannot write: .*fix this, then run: emorec train"
        ):
            resume(killed_run, progress=at(3, 4, no_more_space))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert (killed_run / CHECKPOINT).read_bytes() == before
    assert [path.name for path in (killed_run / "checkpoints").iterdir()] == ["last.npz"]
    assert resume(killed_run) is not None
    assert (killed_run / "history.csv").read_bytes() == (whole_run / "history.csv").read_bytes()


@pytest.mark.slow
def test_data_may_vanish_after_the_decoding(
    whole_run: Path, tiny_data: Path, tmp_path: Path
) -> None:
    data = Path(shutil.copytree(tiny_data, tmp_path / "data"))
    outcome = train(
        settings(), data, tmp_path / "runs", progress=at(1, 3, lambda: shutil.rmtree(data))
    )
    assert not data.exists()
    expected = (whole_run / "history.csv").read_bytes()
    assert (outcome.folder / "history.csv").read_bytes() == expected


@pytest.mark.slow
def test_a_run_folder_that_vanishes_ends_the_run(tiny_data: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"last\.npz: cannot write: No such file or directory"):
        train(
            settings(),
            tiny_data,
            tmp_path,
            progress=at(2, 3, lambda: shutil.rmtree(*tmp_path.iterdir())),
        )


def test_data_may_move_but_not_change(killed_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    moved = Path(shutil.copytree(tiny_data, tmp_path / "moved"))
    with pytest.raises(KilledError):
        resume(killed_run, moved, progress=at(3, 1, kill))
    environment = json.loads((killed_run / "environment.json").read_text())
    environment["data"] = str(tmp_path / "gone")
    (killed_run / "environment.json").write_text(json.dumps(environment))
    with pytest.raises(DataError, match="gone: no such folder"):
        resume(killed_run)
    manifest = moved / "manifest.csv"
    manifest.write_text(manifest.read_text().replace("train,Training,happy", "train,Training,sad"))
    with pytest.raises(DataError, match=r"the data set differs from that of"):
        resume(killed_run, moved)


def change_json(**changes: object) -> Callable[[Path], None]:
    def change(run: Path) -> None:
        path = run / "environment.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    return change


@pytest.mark.parametrize(
    ("damage", "error", "message"),
    [
        (shutil.rmtree, DataError, "not a run folder"),
        (lambda run: (run / "config.yaml").unlink(), DataError, "not a run folder"),
        (lambda run: (run / "config.yaml").write_text("epoch: 3"), ConfigError, "did you mean"),
        (lambda run: (run / "environment.json").write_text("[]"), DataError, "not a JSON object"),
        (lambda run: (run / "environment.json").write_text("{"), DataError, "not a JSON file"),
        (lambda run: (run / "environment.json").unlink(), DataError, "cannot read"),
        (change_json(data=3), DataError, "the key 'data' is missing"),
        (change_json(keras_backend="abacus"), ConfigError, "set KERAS_BACKEND=abacus"),
        (lambda run: (run / CHECKPOINT).write_bytes(b"PK"), DataError, "damaged"),
    ],
)
def test_runs_that_cannot_be_resumed(
    killed_run: Path, damage: Callable[[Path], None], error: type[Exception], message: str
) -> None:
    damage(killed_run)
    with pytest.raises(error, match=message):
        resume(killed_run)


def test_a_checkpoint_of_another_model_is_refused(killed_run: Path) -> None:
    config = (killed_run / "config.yaml").read_text()
    (killed_run / "config.yaml").write_text(config.replace("ema: 0.9", "ema: 0.0"))
    with pytest.raises(DataError, match=r"belongs to another model or optimizer"):
        resume(killed_run)
