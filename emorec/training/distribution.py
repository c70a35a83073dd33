"""Distributes a run over the accelerators of one machine or of several, on JAX."""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import keras

from emorec.errors import UNEXPECTED, ConfigError, EmorecError
from emorec.installation import install_command

Extent = Literal["devices", "hosts"]

_ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
_PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"
_PROCESS_ID = "KERAS_DISTRIBUTION_PROCESS_ID"
_VARIABLES = (_ADDRESSES, _PROCESSES, _PROCESS_ID)


@dataclass(frozen=True)
class World:
    """The processes that train one model together, and the rank of this process.

    Attributes:
        rank: Number of this process, from 0; only the first writes files.
        size: Number of processes.
        devices: Number of accelerators of all processes; each holds a copy of the model.
    """

    rank: int = 0
    size: int = 1
    devices: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """Select the rows of a global batch of `count` rows that belong to this process."""
        each = count // self.size
        return slice(self.rank * each, (self.rank + 1) * each)


ALONE = World()
"""One process with one device."""


def join(extent: Extent | None) -> World:
    """Detect the devices, and with "hosts" connect to the other processes.

    It must be called before any computation.

    Args:
        extent: "devices" uses all accelerators of this machine; "hosts" those of all processes,
            described by Keras's environment variables KERAS_DISTRIBUTION_JOB_ADDRESSES,
            _NUM_PROCESSES and _PROCESS_ID, or by a cluster manager that JAX supports, such as
            Slurm; None uses one device.

    Raises:
        ConfigError: The backend is not JAX, or the variables are missing or invalid.
        EmorecError: The processes cannot connect.
    """
    if extent is None:
        return ALONE
    if keras.backend.backend() != "jax":
        raise ConfigError(
            f"--distribute needs the JAX backend; received {keras.backend.backend()}: set "
            f"KERAS_BACKEND=jax, and install it with: {install_command('jax')}"
        )
    if extent == "hosts":
        _initialize()
    data_parallel = keras.distribution.DataParallel(auto_shard_dataset=False)
    world = World(
        data_parallel.data_shard_id,
        data_parallel.num_processes,
        data_parallel.num_model_replicas,
    )
    if world.devices % world.size:
        raise ConfigError(
            f"all hosts must have the same number of devices; received {world.devices} devices on "
            f"{world.size} hosts"
        )
    return world


def _initialize() -> None:
    received = {name: os.environ.get(name, "") for name in _VARIABLES}
    if any(received.values()):
        processes, process = received[_PROCESSES], received[_PROCESS_ID]
        numbers = processes.isdecimal() and process.isdecimal()
        if not (numbers and int(process) < int(processes) and ":" in received[_ADDRESSES]):
            raise ConfigError(
                "--distribute hosts needs the address of the first host such as 10.0.0.1:1234, "
                "the number of processes, and the number of this one from 0; received "
                + ", ".join(f"{name}={value!r}" for name, value in received.items())
            )
    try:
        keras.distribution.initialize()
    except ValueError as error:
        raise ConfigError(
            f"--distribute hosts needs the variables {', '.join(_VARIABLES)}: {error}"
        ) from error
    except RuntimeError as error:
        raise EmorecError(
            f"cannot connect to the other hosts (first host {received[_ADDRESSES]!r}): "
            f"{_first_line(error)}; check the address, and that every host was started"
        ) from error


def distribute(world: World) -> None:
    """Place new variables on all devices, and split batches among the devices."""
    if world.devices > 1:
        data_parallel = keras.distribution.DataParallel(auto_shard_dataset=False)
        keras.distribution.set_distribution(data_parallel)


def check_distribution(batch_size: int, feature_cache: bool | str, world: World) -> None:
    """Check that a run can be distributed over the devices.

    Args:
        batch_size: Images per step, over all devices.
        feature_cache: Setting of the feature cache, which needs one device.
        world: The processes that train together.

    Raises:
        ConfigError: The batch size is no multiple of the number of devices, or the feature cache
            is on.
    """
    if world.devices == 1:
        return
    if feature_cache is True:
        raise ConfigError(
            f"--feature-cache needs one device; received {world.devices}: remove it or --distribute"
        )
    if batch_size % world.devices:
        near = max(round(batch_size / world.devices), 1) * world.devices
        raise ConfigError(
            f"--batch-size counts all {world.devices} devices together and must be a multiple of "
            f"their number; received {batch_size}: use {near}"
        )


@contextmanager
def connected(world: World) -> Iterator[None]:
    """Train with the other processes, and disconnect from them at the end.

    A process that fails exits right after its message, so that the others, which wait for its
    part of a sum, fail too instead of waiting forever.

    Raises:
        EmorecError: The connection to another process is lost.
    """
    if world.size == 1:
        yield
        return
    import jax

    try:
        yield
        jax.distributed.shutdown()  # type: ignore[no-untyped-call,unused-ignore]
    except BaseException as error:
        # JAX reports a peer lost in the middle of a sum as a plain ValueError of Gloo.
        lost_by_gloo = isinstance(error, ValueError) and "Gloo" in str(error)
        if lost_by_gloo or isinstance(error, jax.errors.JaxRuntimeError):
            _leave_at_exit(EmorecError.exit_code)
            raise EmorecError(
                f"process {world.rank} of {world.size} lost the connection to another one: "
                f"{_first_line(error)}"
            ) from error
        interrupted = isinstance(error, KeyboardInterrupt)
        _leave_at_exit(130 if interrupted else getattr(error, "exit_code", UNEXPECTED))
        raise


def _leave_at_exit(code: int) -> None:
    """Exit without JAX's own shutdown, which waits five minutes for the other processes."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(leave)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
