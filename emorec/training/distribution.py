"""Spreads a run over the accelerators of one machine or of several; JAX does the work."""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import keras

from emorec.errors import ConfigError, EmorecError
from emorec.training.config import TrainConfig

Extent = Literal["devices", "hosts"]

_ADDRESSES = "KERAS_DISTRIBUTION_JOB_ADDRESSES"
_PROCESSES = "KERAS_DISTRIBUTION_NUM_PROCESSES"
_PROCESS_ID = "KERAS_DISTRIBUTION_PROCESS_ID"
_VARIABLES = (_ADDRESSES, _PROCESSES, _PROCESS_ID)


@dataclass(frozen=True)
class World:
    """The processes that train one model together, and this one's place among them.

    Attributes:
        rank: Number of this process, from 0; the first alone writes files.
        size: Number of processes.
        devices: Number of accelerators of all processes; each has a copy of the model.
    """

    rank: int = 0
    size: int = 1
    devices: int = 1

    @property
    def first(self) -> bool:
        """Whether this process writes the run folder."""
        return self.rank == 0

    def part(self, count: int) -> slice:
        """Which rows of a global batch of that many belong to this process."""
        each = count // self.size
        return slice(self.rank * each, (self.rank + 1) * each)


ALONE = World()
"""One process with one device."""


def join(extent: Extent | None) -> World:
    """Find the devices, and with "hosts" wait for the other processes.

    It must come before anything that computes.

    Args:
        extent: "devices" takes all accelerators of this machine; "hosts" those of all processes,
            which are described by Keras's environment variables KERAS_DISTRIBUTION_JOB_ADDRESSES,
            _NUM_PROCESSES and _PROCESS_ID, or by what JAX knows, such as Slurm's; None takes one.

    Raises:
        ConfigError: The backend is not JAX, or the variables are missing or wrong.
        EmorecError: The processes did not find together.
    """
    if extent is None:
        return ALONE
    if keras.backend.backend() != "jax":
        raise ConfigError(
            f"--distribute takes the JAX backend; this is {keras.backend.backend()}: set "
            "KERAS_BACKEND=jax, and install it with pip install 'emorec[jax]'"
        )
    if extent == "hosts":
        _initialize()
    everything = keras.distribution.DataParallel(auto_shard_dataset=False)
    world = World(everything.data_shard_id, everything.num_processes, everything.num_model_replicas)
    if world.devices % world.size:
        raise ConfigError(
            f"every host must bring as many devices; received {world.devices} devices in all of "
            f"{world.size} hosts"
        )
    return world


def _initialize() -> None:
    given = {name: os.environ.get(name, "") for name in _VARIABLES}
    if any(given.values()):
        processes, process = given[_PROCESSES], given[_PROCESS_ID]
        numbers = processes.isdecimal() and process.isdecimal()
        if not (numbers and int(process) < int(processes) and ":" in given[_ADDRESSES]):
            raise ConfigError(
                "--distribute hosts needs the address of the first host such as 10.0.0.1:1234, "
                "the number of processes, and the number of this one from 0; received "
                + ", ".join(f"{name}={value!r}" for name, value in given.items())
            )
    try:
        keras.distribution.initialize()
    except ValueError as error:
        raise ConfigError(
            f"--distribute hosts is told of the other hosts by {', '.join(_VARIABLES)}: {error}"
        ) from error
    except RuntimeError as error:
        raise EmorecError(
            f"the hosts did not find together (first host {given[_ADDRESSES]!r}): "
            f"{_first_line(error)}; check the address, and that every host was started"
        ) from error


def spread(world: World) -> None:
    """Let the variables made from now on live on all devices, and batches be split among them."""
    if world.devices > 1:
        everything = keras.distribution.DataParallel(auto_shard_dataset=False)
        keras.distribution.set_distribution(everything)


def check(config: TrainConfig, world: World) -> None:
    """Refuse what cannot be shared out.

    Raises:
        ConfigError: The batch size is no multiple of the number of devices, or features are to
            be computed once.
    """
    if world.devices == 1:
        return
    if config.feature_cache is True:
        raise ConfigError(
            f"--feature-cache is for one device, received {world.devices}: leave it or "
            "--distribute out"
        )
    if config.batch_size % world.devices:
        near = max(round(config.batch_size / world.devices), 1) * world.devices
        raise ConfigError(
            f"--batch-size is that of all {world.devices} devices together and must be a multiple "
            f"of their number; received {config.batch_size}: use {near}"
        )


@contextmanager
def together(world: World) -> Iterator[None]:
    """Train with the other processes and part from them at the end.

    A process that fails ends at once after its message, so that the others, which wait for its
    part of a sum, fail too instead of waiting on.

    Raises:
        EmorecError: Another process is gone.
    """
    if world.size == 1:
        yield
        return
    import jax

    try:
        yield
        jax.distributed.shutdown()  # type: ignore[no-untyped-call,unused-ignore]
    except BaseException as error:
        # JAX tells of a peer lost in the middle of a sum by a plain ValueError of Gloo's.
        told_by_gloo = isinstance(error, ValueError) and "Gloo" in str(error)
        if told_by_gloo or isinstance(error, jax.errors.JaxRuntimeError):
            _leave_at_exit(EmorecError.exit_code)
            raise EmorecError(
                f"process {world.rank} of {world.size} lost another one: {_first_line(error)}"
            ) from error
        interrupted = isinstance(error, KeyboardInterrupt)
        _leave_at_exit(130 if interrupted else getattr(error, "exit_code", 1))
        raise


def _leave_at_exit(code: int) -> None:
    """End without JAX's own farewell, which waits five minutes for the other processes."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(leave)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
