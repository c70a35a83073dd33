"""Runs the trials of a search in a child process, whose crash costs one trial."""

import contextlib
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol, cast

from emorec.child_process import end_child, receive, send, start_child
from emorec.training.tuning_records import TrialFigures, TrialOutcome

WORKER = "emorec.training.trial_worker:main"

OUT_OF_TIME = "out of time"


@dataclass(frozen=True)
class TrialReceivers:
    """Functions that are called during a trial.

    Attributes:
        epoch: Called after each epoch with its number, its figure and the seconds left; returns why
            the trial ends, or "".
        progress: Called with the numbers of the epoch, of all epochs, of the batch and all batches.
        step: Called with the name of a step before or after the training.
        estimate: Called with the estimated duration of the whole trial in seconds.
    """

    epoch: Callable[[int, float, float | None], str]
    progress: Callable[[int, int, int, int], None]
    step: Callable[[str], None]
    estimate: Callable[[float], None]


class RunTrial(Protocol):
    """A function that trains a trial, such as `TrialProcess.run`."""

    def __call__(
        self, job: Mapping[str, Any], receivers: TrialReceivers, seconds: float | None
    ) -> TrialOutcome:
        """Train a trial; see `TrialProcess.run`."""


class TrialProcess:
    """A child process that trains trials. It is started again after its end.

    The process serves all trials, as Keras and its backend take seconds to load.
    """

    def __init__(self, log: Path):
        """Name the file to which the standard error of the process is appended."""
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def run(
        self, job: Mapping[str, Any], receivers: TrialReceivers, seconds: float | None
    ) -> TrialOutcome:
        """Train a trial.

        Args:
            job: As for `emorec.training.trial_worker.run_trial`.
            receivers: Functions that are called during the trial; what they raise ends it.
            seconds: Time after which the process is killed; None for no limit.
        """
        process = self._started()
        expired = threading.Event()

        def expire() -> None:
            expired.set()
            process.kill()

        timer = threading.Timer(seconds or 0.0, expire)
        timer.daemon = True
        if seconds is not None:
            timer.start()
        ended = False
        try:
            outcome = self._talk(process, job, receivers)
            ended = True
            return outcome
        except (EOFError, OSError):
            # What came may be no message, from a process that lives on.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(5)
            if expired.is_set():
                return TrialOutcome("pruned", OUT_OF_TIME)
            return TrialOutcome("failed", f"{_end_text(process.returncode)}; see {self._log}")
        finally:
            timer.cancel()
            if not ended:
                self.close()

    def close(self) -> None:
        """End the process, and with it a trial that is being trained."""
        if self._process is not None:
            end_child(self._process)
            self._process = None

    def _started(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self.close()
            with self._log.open("ab") as errors:
                self._process = start_child(WORKER, errors=errors)
        return self._process

    @staticmethod
    def _talk(
        process: "subprocess.Popen[bytes]", job: Mapping[str, Any], receivers: TrialReceivers
    ) -> TrialOutcome:
        to_child, from_child = cast(IO[bytes], process.stdin), cast(IO[bytes], process.stdout)
        send(to_child, dict(job))
        reason = ""
        while True:
            message, _ = receive(from_child)
            match message:
                case {"progress": numbers}:
                    receivers.progress(*numbers)
                case {"step": name}:
                    receivers.step(name)
                case {"seconds": estimate}:
                    receivers.estimate(estimate)
                case {"epoch": epoch, "value": value, "seconds_left": left}:
                    reason = receivers.epoch(epoch, value, left)
                    send(to_child, {"stop": bool(reason)})
                case {"figures": figures}:
                    return TrialOutcome("complete", "", TrialFigures.from_dict(figures))
                case {"diverged": text}:
                    return TrialOutcome("pruned", text)
                case {"failed": text}:
                    return TrialOutcome("failed", text)
                case _:
                    return TrialOutcome("pruned", reason)


def _end_text(code: int | None) -> str:
    if code is not None and code < 0:
        return f"the process of the trial was ended by signal {-code}, perhaps for want of memory"
    return f"the process of the trial failed with code {code}"
