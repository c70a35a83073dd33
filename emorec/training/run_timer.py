"""Measures the steps of a run while it trains, and estimates its duration from them."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean

import keras

from emorec.training.estimate import Estimate, Rates, StageWork, estimate_stage, finish_seconds
from emorec.training.training_progress import StepProgressCallback

_SETTLING_STEPS = 10
"""Steps that may be faster than the others: batches queue up while the first one is compiled."""

_MEASURED_STEPS = 3
_MEASURED_SECONDS = 5.0
_LATEST_STEPS = 200

_RENEWED_FROM = 0.25
"""Relative change of the duration from which an estimate is reported again."""


class RunTimer(keras.callbacks.Callback):  # type: ignore[misc]  # keras ships no types
    """Measures the feature passes, steps and validations of all stages of a run.

    It only reads the clock, so it leaves the result of the run unchanged. The first step of a
    stage, in which the backend compiles, counts as set-up.

    Attributes:
        samples: Whether the stage only measures a sample: its training steps end once they are
            measured, and none of its work counts as done.
        reported: The latest reported estimate; None as long as nothing is measured.
    """

    def __init__(
        self,
        receive: Callable[[Estimate], None] | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        processor_clock: Callable[[], float] = time.process_time,
    ):
        """Start the clock.

        Args:
            receive: Called with the first estimate, and with each that differs much from the one
                before.
            clock: Returns seconds.
            processor_clock: Returns seconds of processor time of this process.
        """
        super().__init__()
        self._receive, self._clock, self._processor_clock = receive, clock, processor_clock
        self._load = 1.0
        self.samples = False
        self._setup_seconds = 0.0
        self._started = clock()
        self.reported: Estimate | None = None
        self._rates: Rates | None = None
        self._later: tuple[StageWork, ...] = ()

    def begin_run(self, works: Sequence[StageWork], evaluation_factor: float = 1.0) -> None:
        """Store the work of a run.

        Args:
            works: Work of the stages that are not done.
            evaluation_factor: Duration of the evaluation at the end by that of a validation.
        """
        self._later, self._evaluation_factor = tuple(works), evaluation_factor

    def begin_stage(self, work: StageWork, batches: int, validation_batches: int) -> None:
        """Begin the next stage.

        Args:
            work: Its work, which is known better now.
            batches: Training batches of an epoch.
            validation_batches: Validation batches of an epoch.
        """
        self._work, self._later = work, self._later[1:]
        self._batches, self._validation_batches = batches, validation_batches
        self._rates = None
        self._features_left = 1.0
        self._first_features: tuple[float, int] | None = None
        self._epochs, self._batch = 0, 0
        self._early: list[float] = []
        self._test_steps: list[float] = []
        self._steps: deque[float] = deque(maxlen=_LATEST_STEPS)
        self._measured_from: float | None = None
        self._compiling = 0.0

    def feature_progress(
        self, progress: StepProgressCallback | None, views: int
    ) -> StepProgressCallback:
        """Return a callback for the feature pass of the stage, if it has one, which measures it.

        Args:
            progress: Called with the same arguments.
            views: Views of each image.
        """

        def measure(description: str, done: int, total: int) -> None:
            self._work = replace(self._work, views=views)
            self._later = tuple(
                replace(work, views=views if work.trained_share < 1 else 0) for work in self._later
            )
            self._measure_features(done)
            if progress:
                progress(description, done, total)

        return measure

    def _measure_features(self, done: int) -> None:
        now, work = self._clock(), self._work
        if self._first_features is None:
            # The backend compiles in the first batch.
            self._first_features = now, done
            return
        begin, before = self._first_features
        if done <= before:  # the second pass, over the validation images
            return
        images = work.views * work.train_images + work.validation_images
        speed = work.features / images * (done - before) / max(now - begin, 1e-6)
        self._rates = Rates(speed)
        self._features_left = 1 - done / images
        if now - begin >= _MEASURED_SECONDS:
            self._report(now - self._started)

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Begin to measure an epoch."""
        self._features_left = float(self.samples)
        self._epoch_begin = self._last = self._clock()
        self._processor_begin = self._processor_clock()
        self._batch = 0

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Measure a step."""
        now = self._clock()
        seconds, self._last = now - self._last, now
        self._batch = batch + 1
        if not self._epochs and not batch:
            self._compiling, self._settling = seconds, now
            self._load = max(
                seconds / max(self._processor_clock() - self._processor_begin, 1e-6), 1
            )
            return
        if self._measured_from is None:
            self._early.append(seconds)
            settled = now - self._settling >= _MEASURED_SECONDS
            if settled or len(self._early) >= _SETTLING_STEPS:
                self._measured_from = now
            return
        self._steps.append(seconds)
        if len(self._steps) >= _MEASURED_STEPS and now - self._measured_from >= _MEASURED_SECONDS:
            self._steps_measured()
            if self.samples:
                self.model.stop_training = True

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        """Begin to measure a validation."""
        self._last = self._clock()
        self._test_steps = []
        if self._rates is None or self._rates.train_seconds is None:
            self._steps_measured()  # an epoch of few steps

    def on_test_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Measure a validation batch."""
        now = self._clock()
        self._test_steps.append(now - self._last)
        self._last = now

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measure the validation, and what the callbacks before this one did after it."""
        now = self._clock()
        if not self._validation_batches and (
            self._rates is None or self._rates.train_seconds is None
        ):
            self._steps_measured()  # an epoch of few steps
        # The backend compiles in the first batch of all.
        steps = self._test_steps if self._epochs else self._test_steps[1:]
        if self._rates and (steps or not self._validation_batches):
            validation = fmean(steps) * self._validation_batches if steps else 0.0
            self._rates = replace(self._rates, validation_seconds=validation + now - self._last)
        self._epochs += 1
        self._batch = 0
        if self._epochs < self._work.epochs:
            self._report(now - self._started)

    @property
    def works(self) -> tuple[StageWork, ...]:
        """The work that is left, from the current stage on."""
        done = 0 if self.samples else self._epochs
        return (replace(self._work, epochs=self._work.epochs - done), *self._later)

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end of the run, at most; None as long as nothing is measured."""
        if self._rates is None:
            return None
        left = self._estimate(self._rates, 0.0)
        done = left.stages[0].train_seconds * self._batch / self._batches
        return max(left.seconds - done, 0.0)

    def _steps_measured(self) -> None:
        steps = self._steps or self._early
        if not steps:
            return
        step = fmean(steps)
        train = step * self._batches
        before = self._rates
        speed = before.speed if before and self._work.views else self._work.training / train
        validation = before.validation_seconds if before else None
        self._rates = Rates(speed, train, validation)
        if before is None or before.train_seconds is None:
            # The whole steps of this epoch count as such, so its set-up ends before the first one.
            compiling = 0.0 if self._epochs else max(self._compiling - step, 0.0)
            self._setup_seconds = self._epoch_begin + compiling - self._started
            self._report(self._setup_seconds)

    @property
    def sampled(self) -> Estimate | None:
        """The estimate after a sample; None if it had no two training steps."""
        if self._rates is None:
            return None
        return self._estimate(self._rates, self._setup_seconds)

    def _estimate(self, rates: Rates, setup_seconds: float) -> Estimate:
        work, *works = self.works
        speed = Rates(rates.speed)
        later = (estimate_stage(stage, speed) for stage in works)
        stages = (estimate_stage(work, rates, self._features_left), *later)
        evaluation = stages[0].validation_seconds
        if work.views:  # the validation is that of the trained part alone
            evaluation = work.multiply_adds * work.validation_images / rates.speed
        finish = finish_seconds(self._evaluation_factor * evaluation, self._compiling, self._load)
        return Estimate(setup_seconds, stages, finish)

    def _report(self, setup_seconds: float) -> None:
        if self._rates is None or self.samples:
            return
        estimate = self._estimate(self._rates, setup_seconds)
        if self.reported is not None:
            change = abs(estimate.seconds - self.reported.seconds)
            if change <= _RENEWED_FROM * self.reported.seconds:
                return
        self.reported = estimate
        if self._receive:
            self._receive(estimate)
