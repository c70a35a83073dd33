from types import SimpleNamespace

import pytest

from emorec.training.estimate import Estimate, StageWork
from emorec.training.run_timer import RunTimer

WORK = StageWork(48, 3, 6400, 512, 1e6, 1.0)


class Clock:
    """A clock that a test moves on."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Run:
    """Calls a timer as Keras does, with steps of given durations."""

    def __init__(self, *works: StageWork) -> None:
        self.clock, self.estimates = Clock(), list[Estimate]()
        self.timer = RunTimer(self.estimates.append, clock=self.clock, processor_clock=self.clock)
        self.timer.set_model(SimpleNamespace(stop_training=False))
        self.timer.begin_run(works)
        self.clock.now += 20

    def epoch(self, number: int, steps: list[float], tests: list[float]) -> None:
        self.timer.on_epoch_begin(number)
        for index, seconds in enumerate(steps):
            self.clock.now += seconds
            self.timer.on_train_batch_end(index)
        self.timer.on_test_begin()
        for index, seconds in enumerate(tests):
            self.clock.now += seconds
            self.timer.on_test_batch_end(index)
        self.timer.on_epoch_end(number)


def test_compilation_is_no_step() -> None:
    run = Run(WORK)
    assert run.timer.seconds_left is None
    run.timer.begin_stage(WORK, 100, 2)
    run.epoch(0, [30.0, *[0.5] * 99], [4.0, 1.0])
    first = run.estimates[0]
    assert len(run.estimates) == 1
    assert first.setup_seconds == pytest.approx(20 + 29.5)
    assert first.stages[0].train_seconds == pytest.approx(50)
    # Not measured yet, so by passes: 6,400 images five times, 512 images once.
    assert first.stages[0].validation_seconds == pytest.approx(50 * 512 / 32000)
    assert first.epochs == 3
    # Measured now: the first validation batch compiles, too.
    assert run.timer.seconds_left == pytest.approx(2 * (50 + 2) + 2 + 0.8 * 30 + 10)


def test_the_first_steps_after_compilation_do_not_count() -> None:
    run = Run(WORK)
    run.timer.begin_stage(WORK, 1000, 2)
    run.epoch(0, [30.0, *[0.1] * 10, *[0.5] * 20], [1.0])
    assert run.estimates[0].stages[0].train_seconds == pytest.approx(500)


def test_an_epoch_of_one_step_is_measured_in_the_second() -> None:
    run = Run(WORK)
    run.timer.begin_stage(WORK, 1, 1)
    run.epoch(0, [30.0], [2.0])
    assert run.estimates == []
    run.epoch(1, [1.0], [2.0])
    assert run.estimates[0].stages[0].train_seconds == pytest.approx(1)
    assert run.estimates[0].epochs == 2


def test_a_run_that_is_not_validated() -> None:
    work = StageWork(48, 3, 6400, 0, 1e6, 1.0)
    run = Run(work)
    run.timer.begin_stage(work, 3, 0)
    for number in range(2):
        run.timer.on_epoch_begin(number)
        for index in range(3):
            run.clock.now += 2
            run.timer.on_train_batch_end(index)
        run.clock.now += 5  # other callbacks
        run.timer.on_epoch_end(number)
    assert run.estimates[0].stages[0].train_seconds == pytest.approx(6)
    # One more epoch, and the end: the first step took as long as the others.
    assert run.timer.seconds_left == pytest.approx(6 + 5 + 5 + 0.8 * 2 + 10)


def test_an_estimate_is_renewed_where_it_was_wrong() -> None:
    run = Run(WORK)
    run.timer.begin_stage(WORK, 100, 2)
    run.epoch(0, [1.0, *[0.5] * 99], [1.0, 1.0])
    run.epoch(1, [0.5] * 100, [1.0, 1.0])
    assert len(run.estimates) == 1
    run = Run(WORK)
    run.timer.begin_stage(WORK, 100, 2)
    run.epoch(0, [1.0, *[0.5] * 30, *[5.0] * 69], [1.0, 1.0])
    assert [estimate.epochs for estimate in run.estimates] == [3, 2]
    assert run.estimates[1].seconds > 2 * run.estimates[0].seconds
    assert run.estimates[1].setup_seconds == pytest.approx(run.clock.now - 100)


def test_a_later_stage_is_scaled_by_its_work() -> None:
    head = StageWork(48, 1, 6400, 512, 1e6, 0.0)
    rest = StageWork(96, 2, 6400, 512, 4e6, 1.0)
    run = Run(head, rest)
    run.timer.begin_stage(head, 100, 2)
    run.epoch(0, [1.0, *[0.5] * 99], [1.0, 1.0])
    first, second = run.estimates[0].stages
    # Four times the pixels, and a backward pass.
    assert second.train_seconds == pytest.approx(first.train_seconds * 4 * 5)
    run.timer.begin_stage(rest, 100, 2)
    run.epoch(0, [1.0, *[0.5] * 99], [1.0, 1.0])
    assert run.estimates[1].stages[0].train_seconds == pytest.approx(50)


def test_a_feature_pass_gives_the_speed() -> None:
    work = StageWork(48, 5, 6400, 640, 1e6, 0.01)
    run = Run(work)
    run.timer.begin_stage(work, 100, 3)
    seen: list[tuple[str, int, int]] = []
    progress = run.timer.feature_progress(lambda *each: seen.append(each), 1)
    run.clock.now += 9  # compiles
    for done in (256, 512, 768):
        progress("computing features", done, 6400)
        run.clock.now += 8
    assert seen == [("computing features", done, 6400) for done in (256, 512, 768)]
    (estimate,) = run.estimates
    # 32 images a second; of 7,040 images, 512 were done.
    assert estimate.stages[0].feature_seconds == pytest.approx((7040 - 512) / 32)
    run.epoch(0, [1.0, *[0.01] * 99], [0.1, 0.1])
    stage = run.estimates[-1].stages[0]
    assert stage.feature_seconds == 0
    assert stage.train_seconds == pytest.approx(1)


def test_a_sample_stops_once_measured_and_is_no_part_of_the_run() -> None:
    run = Run(WORK)
    assert run.timer.sampled is None
    run.timer.begin_stage(WORK, 100, 20)
    run.timer.samples = True
    run.epoch(0, [10.0, *[0.5] * 30], [3.0, 1.0])
    assert run.timer.model.stop_training
    assert run.estimates == []
    estimate = run.timer.sampled
    assert estimate is not None
    assert estimate.epochs == 3
    assert estimate.setup_seconds == pytest.approx(20 + 9.5)
    assert estimate.stages[0].epoch_seconds == pytest.approx(50 + 20)
