"""Training on several devices and in several processes, and the parts that share out the work."""

import csv
import socket
from pathlib import Path
from typing import Any

import backends
import numpy as np
import pytest

from emorec.errors import ConfigError
from emorec.training.config import NO_AUGMENTATION, AugmentationConfig
from emorec.training.data import AugmentedBatches
from emorec.training.distribution import ALONE, World, check_batch_size, join
from emorec.training.validation import PaddedBatches, validation_data

PLAIN = AugmentationConfig.model_validate(NO_AUGMENTATION)
WORDS = [
    *("train", "--arch", "compact", "--image-size", "24", "--epochs", "2", "--batch-size", "12"),
    *("--learning-rate", "0.01", "--set", "ema=0.9", "--no-augment", "--out", "runs", "--data"),
]
# Compiling takes most of such a short run.
QUICK = "--xla_backend_optimization_level=0"


def images(count: int) -> np.ndarray:
    numbered = np.zeros((count, 4, 4, 1), np.uint8)
    numbered[:, 0, 0, 0] = np.arange(count)
    return numbered


def targets(count: int) -> np.ndarray:
    return np.eye(3, dtype=np.float32)[np.arange(count) % 3]


@pytest.mark.parametrize(("count", "devices"), [(24, 2), (25, 2), (23, 4)])
def test_the_parts_of_two_processes_make_up_the_batches_of_one(count: int, devices: int) -> None:
    def batches(world: World) -> list[tuple[Any, ...]]:
        source = AugmentedBatches(images(count), targets(count), 8, PLAIN, 1, world=world)
        return [source[index] for index in range(len(source))]

    whole, first, second = (
        batches(World(rank, size, devices)) for rank, size in ((0, 1), (0, 2), (1, 2))
    )
    assert len(whole) == len(first) == len(second)
    for together, *parts in zip(whole, first, second, strict=True):
        assert len(together[0]) % devices == 0
        for position in range(2):
            joined = np.concatenate([part[position] for part in parts])
            np.testing.assert_array_equal(joined, together[position])
    seen = {int(value) for batch in whole for value in batch[0][:, 0, 0, 0]}
    assert len(seen) == count - count % devices


@pytest.mark.parametrize(("count", "devices"), [(1, 2), (512, 2), (513, 2), (600, 3), (5, 512)])
def test_filled_up_batches_have_the_means_of_the_real_rows(count: int, devices: int) -> None:
    source = PaddedBatches(images(count), targets(count), World(0, 1, devices))
    loss = np.random.default_rng(0).random(count)
    loss_sum = rows = weight_sum = weighted = 0.0
    position = 0
    for index in range(len(source)):
        batch_images, batch_targets, weights = source[index]
        assert len(batch_images) == len(batch_targets) == len(weights)
        assert len(weights) % devices == 0
        places = np.minimum(np.arange(position, position + len(weights)), count - 1)
        position += len(weights)
        loss_sum += float((loss[places] * weights).sum())
        rows += len(weights)
        weight_sum += float(weights.sum())
        weighted = loss_sum
    assert loss_sum / rows == pytest.approx(loss.mean(), rel=1e-5)
    assert weighted / weight_sum == pytest.approx(loss.mean(), rel=1e-5)


def test_one_device_validates_on_the_arrays_themselves() -> None:
    given = images(3), targets(3)
    assert validation_data(*given, ALONE) == given


def test_batches_that_cannot_be_split_are_refused() -> None:
    check_batch_size(12, World(0, 1, 4))
    with pytest.raises(ConfigError, match="all 5 devices together .* received 12: use 10"):
        check_batch_size(12, World(0, 1, 5))


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
def test_wrong_variables_are_told(
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
def alone(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the run of one process with one device."""
    backends.needs("jax")
    folder = tmp_path_factory.mktemp("alone")
    without = backends.hiding("tensorflow")
    done = backends.run("jax", [*WORDS, tiny_data], folder, XLA_FLAGS=QUICK, **without)
    assert done.returncode == 6, done.stderr
    return folder


@pytest.mark.slow
def test_four_devices_train_as_one_does(alone: Path, tiny_data: Path, tmp_path: Path) -> None:
    # 42 validation images do not split among four.
    flags = f"{QUICK} --xla_force_host_platform_device_count=4"
    words = [*WORDS, tiny_data, "--distribute", "devices"]
    done = backends.run("jax", words, tmp_path, XLA_FLAGS=flags, **backends.hiding("tensorflow"))
    assert done.returncode == 6, done.stderr
    np.testing.assert_allclose(history(tmp_path), history(alone), atol=1e-4)


@pytest.mark.slow
def test_two_processes_train_as_one_does(alone: Path, tiny_data: Path, tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    processes = [
        backends.start(
            "jax",
            [*WORDS, tiny_data, "--distribute", "hosts"],
            tmp_path,
            XLA_FLAGS=QUICK,
            **variables(address, "2", str(rank)),
            **backends.hiding("tensorflow"),
        )
        for rank in range(2)
    ]
    printed = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [6, 0], printed
    assert printed[1][0] == ""
    np.testing.assert_allclose(history(tmp_path), history(alone), atol=1e-4)
