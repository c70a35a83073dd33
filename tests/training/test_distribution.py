"""Training on several devices and in several processes."""

import csv
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import backends
from helpers.numbered_images import numbered_images, targets_of
from helpers.signalled_runs import QUICK_PROGRAM

from emorec.errors import ConfigError
from emorec.training.batches import AugmentedBatches, BatchSettings
from emorec.training.checkpoint import read_state
from emorec.training.config_groups import AugmentationConfig
from emorec.training.distribution import ALONE, World, check_distribution, join
from emorec.training.run_folder import CHECKPOINT

SETTINGS = BatchSettings(
    batch_size=8,
    seed=1,
    augmentation=AugmentationConfig(rotation=10, brightness=0.2, blur=0.5, erasing=0.5),
    mixup=0.4,
    cutmix=1.0,
    loss_weights=np.array([1.0, 2.0, 3.0]),
)
# `emorec`, with each process saving its weights too.
SAVING = """
import os
import numpy as np
from emorec.cli.main import main
from emorec.training.callbacks import RunCheckpoint
from emorec.training.checkpoint import values
def save(self, logs=None):
    np.savez(os.environ["KERAS_DISTRIBUTION_PROCESS_ID"], *values(self.model.variables))
RunCheckpoint.on_train_end = save
main()
"""
# `emorec`, whose second process dies in the second epoch.
DYING = """
import os
from emorec.cli.main import main
from emorec.training.callbacks import RunCheckpoint
def begin(self, epoch, logs=None):
    if epoch == 1 and os.environ["KERAS_DISTRIBUTION_PROCESS_ID"] == "1":
        os._exit(9)
RunCheckpoint.on_epoch_begin = begin
main()
"""


@pytest.mark.parametrize(("count", "devices"), [(24, 2), (25, 2), (23, 4)])
def test_the_parts_of_two_processes_make_up_the_batches_of_one(count: int, devices: int) -> None:
    def batches(world: World) -> list[tuple[Any, ...]]:
        source = AugmentedBatches(numbered_images(count), targets_of(count), SETTINGS, world)
        return [source[index] for index in range(len(source))]

    whole, first, second = (
        batches(World(rank, size, devices)) for rank, size in ((0, 1), (0, 2), (1, 2))
    )
    assert len(whole) == len(first) == len(second)
    for together, *parts in zip(whole, first, second, strict=True):
        assert len(together[0]) % devices == 0
        for position in range(3):
            joined = np.concatenate([part[position] for part in parts])
            np.testing.assert_array_equal(joined, together[position])
    assert sum(len(batch[0]) for batch in whole) == count - count % devices


def test_batches_that_cannot_be_split_are_refused() -> None:
    check_distribution(12, "auto", World(0, 1, 4))
    with pytest.raises(ConfigError, match=r"all 5 devices together .* received 12: use 10"):
        check_distribution(12, "auto", World(0, 1, 5))


def test_the_feature_cache_needs_one_device() -> None:
    check_distribution(12, True, ALONE)
    with pytest.raises(ConfigError, match="--feature-cache needs one device; received 2"):
        check_distribution(12, True, World(0, 2, 2))


def test_another_backend_is_refused() -> None:
    assert join(None) == ALONE
    with pytest.raises(ConfigError, match="set KERAS_BACKEND=jax"):
        join("devices")


@pytest.mark.parametrize(
    ("addresses", "processes", "process"),
    [
        ("", "2", "0"),
        ("10.0.0.1", "2", "0"),
        ("10.0.0.1:1234", "", "0"),
        ("10.0.0.1:1234", "two", "0"),
        ("10.0.0.1:1234", "2", "2"),
        ("10.0.0.1:1234", "2", "-1"),
    ],
)
def test_wrong_variables_are_named(
    monkeypatch: pytest.MonkeyPatch, addresses: str, processes: str, process: str
) -> None:
    monkeypatch.setattr("keras.backend.backend", lambda: "jax")
    for name, value in variables(addresses, processes, process).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match="the address of the first host") as caught:
        join("hosts")
    assert f"KERAS_DISTRIBUTION_PROCESS_ID={process!r}" in str(caught.value)


def variables(addresses: str, processes: str, process: str) -> dict[str, str]:
    return {
        "KERAS_DISTRIBUTION_JOB_ADDRESSES": addresses,
        "KERAS_DISTRIBUTION_NUM_PROCESSES": processes,
        "KERAS_DISTRIBUTION_PROCESS_ID": process,
    }


def history(folder: Path) -> np.ndarray:
    (run,) = (folder / "runs").iterdir()
    with (run / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    names = ("loss", "accuracy", "val_loss", "val_accuracy")
    return np.array([[float(row[name]) for name in names] for row in rows])


@pytest.fixture(scope="module")
def alone(jax_run: backends.FinishedRun) -> Path:
    """A folder with the run of one process with one device."""
    assert jax_run.done.returncode == 6, jax_run.done.stderr
    return jax_run.folder


@pytest.mark.slow
def test_four_devices_train_as_one_does(alone: Path, tiny_data: Path, tmp_path: Path) -> None:
    # 42 validation images do not split among four.
    flags = f"{backends.QUICK} --xla_force_host_platform_device_count=4"
    words = [*backends.TRAIN, tiny_data, "--distribute", "devices"]
    done = backends.run("jax", words, tmp_path, XLA_FLAGS=flags, **backends.hiding("tensorflow"))
    assert done.returncode == 6, done.stderr
    np.testing.assert_allclose(history(tmp_path), history(alone), atol=1e-4)


def start_two(
    folder: Path, program: Sequence[str], *words: str | Path
) -> list[subprocess.Popen[str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    return [
        backends.start(
            "jax",
            [*words, "--distribute", "hosts"],
            folder,
            program,
            XLA_FLAGS=backends.QUICK,
            **variables(address, "2", str(rank)),
            **backends.hiding("tensorflow"),
        )
        for rank in range(2)
    ]


@pytest.mark.slow
def test_two_processes_train_as_one_does(alone: Path, tiny_data: Path, tmp_path: Path) -> None:
    processes = start_two(tmp_path, ("-c", SAVING), *backends.TRAIN, tiny_data)
    printed = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [6, 0], printed
    assert [out for out, _ in printed] == ["", ""]
    first, second = (np.load(tmp_path / f"{rank}.npz") for rank in range(2))
    assert len(first.files) == len(second.files) > 50
    for name in first.files:
        np.testing.assert_array_equal(first[name], second[name])
    np.testing.assert_allclose(history(tmp_path), history(alone), atol=1e-4)


@pytest.mark.slow
def test_a_process_whose_peer_is_killed_exits(tiny_data: Path, tmp_path: Path) -> None:
    backends.needs("jax")
    first, second = start_two(
        tmp_path, QUICK_PROGRAM, *backends.TRAIN, tiny_data, "--epochs", "5000"
    )
    for line in first.stderr or ():
        if line.startswith("epoch 1/"):
            break
    second.kill()
    second.communicate()
    _, stderr = first.communicate(timeout=120)
    assert first.returncode == 1
    assert "error: process 0 of 2 lost the connection to another one" in stderr.splitlines()[-1]
    assert "Traceback" not in stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert read_state(run / CHECKPOINT).epoch >= 1


@pytest.mark.slow
def test_a_distributed_run_is_resumed(alone: Path, tiny_data: Path, tmp_path: Path) -> None:
    processes = start_two(tmp_path, ("-c", DYING), *backends.TRAIN, tiny_data)
    printed = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [1, 9], printed
    (run,) = (tmp_path / "runs").iterdir()
    assert read_state(run / CHECKPOINT).epoch == 1
    processes = start_two(tmp_path, ("-m", "emorec"), "train", "--resume", run)
    printed = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [6, 0], printed
    assert [out for out, _ in printed] == ["", ""]
    np.testing.assert_allclose(history(tmp_path), history(alone), atol=1e-4)
