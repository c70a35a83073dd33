import queue
import signal
import subprocess
import sys
import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from emorec import interrupts
from emorec.interrupts import (
    deliver_pending_interrupt,
    hold_interrupts,
    wait_for_item,
    wait_for_result,
)


def ctrl_c() -> None:
    signal.raise_signal(signal.SIGINT)


def test_a_signal_is_held_until_delivery():
    done = []

    @hold_interrupts()
    def work() -> None:
        deliver_pending_interrupt()
        ctrl_c()
        done.append("whole")
        deliver_pending_interrupt()
        done.append("never")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["whole"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_end_of_the_block_delivers_it():
    with pytest.raises(KeyboardInterrupt), hold_interrupts():
        ctrl_c()


def test_a_signal_is_delivered_once():
    @hold_interrupts()
    def work() -> None:
        ctrl_c()
        try:
            deliver_pending_interrupt()
        finally:
            deliver_pending_interrupt()

    with pytest.raises(KeyboardInterrupt):
        work()


def test_a_second_signal_is_delivered_at_once(monkeypatch):
    with hold_interrupts():
        ctrl_c()
        monkeypatch.setattr(interrupts, "REPEAT_S", 0)
        with pytest.raises(KeyboardInterrupt):
            ctrl_c()


def test_a_repeated_signal_counts_as_the_first_one():
    done = []

    @hold_interrupts()
    def work() -> None:
        ctrl_c()
        ctrl_c()
        done.append("whole")
        deliver_pending_interrupt()

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["whole"]


CODES = dict(zip(interrupts.SIGNALS, (130, 143, 129), strict=False))


@pytest.mark.parametrize(("number", "code"), list(CODES.items()))
def test_signals_become_an_interrupt_with_its_exit_code(own_signals, number, code):
    interrupts.catch_signals()
    with pytest.raises(KeyboardInterrupt) as caught:
        signal.raise_signal(number)
    assert interrupts.exit_code(caught.value) == code
    assert interrupts.exit_code(interrupts.last_interrupt()) == code
    signal.raise_signal(number)  # the same signal, sent twice
    interrupts.ignore_further_signals()
    assert signal.getsignal(number) is signal.SIG_IGN


def test_ctrl_break_of_windows_is_like_ctrl_c(own_signals, monkeypatch):
    monkeypatch.setattr(interrupts, "_KEYS", (signal.SIGINT, signal.SIGTERM))
    interrupts.catch_signals()
    with pytest.raises(KeyboardInterrupt) as caught:
        signal.raise_signal(signal.SIGTERM)
    assert interrupts.exit_code(caught.value) == 130


def test_ignored_signals_and_other_handlers_stay(own_signals):
    first, second = interrupts.SIGNALS[:2]
    signal.signal(first, signal.SIG_IGN)
    signal.signal(second, ignore := lambda *_: None)
    interrupts.catch_signals()
    assert signal.getsignal(first) is signal.SIG_IGN
    assert signal.getsignal(second) is ignore
    interrupts.ignore_further_signals()  # none was raised
    assert signal.getsignal(second) is ignore


def test_a_held_signal_keeps_its_exit_code(own_signals):
    interrupts.catch_signals()
    with pytest.raises(interrupts.Terminated) as caught, hold_interrupts():
        signal.raise_signal(signal.SIGTERM)
    assert interrupts.exit_code(caught.value) == 143


def test_an_error_takes_precedence_over_a_signal():
    @hold_interrupts()
    def work() -> None:
        ctrl_c()
        raise ValueError("of the work")

    with pytest.raises(ValueError, match="of the work"):
        work()


def test_a_nested_block_has_no_effect():
    done = []

    @hold_interrupts()
    def work() -> None:
        with hold_interrupts():
            ctrl_c()
        done.append("after the inner one")
        deliver_pending_interrupt()

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["after the inner one"]


def test_sigterm_keeps_its_handler(monkeypatch):
    got = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: got.append(number))
    try:
        with hold_interrupts():
            signal.raise_signal(signal.SIGTERM)
            assert got == []
            deliver_pending_interrupt()
            assert got == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_an_ignored_signal_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with hold_interrupts():
            ctrl_c()
            deliver_pending_interrupt()
    finally:
        signal.signal(signal.SIGINT, before)


def test_no_effect_in_other_threads():
    def work() -> str:
        with hold_interrupts():
            deliver_pending_interrupt()
            return "done"

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == "done"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize(
    "wait",
    [lambda: wait_for_result(Future()), lambda: wait_for_item(queue.Queue())],
    ids=["future", "queue"],
)
def test_waiting_delivers_it(wait):
    @hold_interrupts()
    def work() -> None:
        ctrl_c()
        wait()

    with pytest.raises(KeyboardInterrupt):
        work()


def test_waiting_returns_the_result_or_item():
    later: Future[int] = Future()
    waiting: queue.Queue[int] = queue.Queue()
    timer = threading.Timer(0.3, lambda: (later.set_result(5), waiting.put(6)))
    timer.start()
    assert (wait_for_result(later), wait_for_item(waiting)) == (5, 6)
    timer.join()
    failed: Future[int] = Future()
    failed.set_exception(ValueError("of the future"))
    with pytest.raises(ValueError, match="of the future"):
        wait_for_result(failed)


_UNLUCKY = """
import signal, sys, threading
from emorec.cli.main import run

enter, count, main = threading.Condition.__enter__, 0, threading.get_ident()

def unlucky(condition):
    # Ctrl-C just after the lock was acquired, before any code would release it.
    global count
    entered = enter(condition)
    if threading.get_ident() == main:
        count += 1
        if count == int(sys.argv[1]):
            signal.raise_signal(signal.SIGINT)
    return entered

threading.Condition.__enter__ = unlucky
run(sys.argv[2:])
"""


@pytest.mark.parametrize("moment", [11, 12, 13, 14])
def test_ctrl_c_while_a_lock_is_held_does_not_hang_detect(tmp_path, moment):
    from helpers.clips import Placed, draw, write_clip
    from helpers.onnx_models import write_tiny_model

    model = write_tiny_model(tmp_path / "model.onnx")
    write_clip(tmp_path / "clip.avi", [draw([Placed(80, 60)], (160, 120))] * 60)
    words = ["detect", "clip.avi", "--model", str(model), "--jsonl", "r.jsonl", "--no-save"]
    done = subprocess.run(
        [sys.executable, "-c", _UNLUCKY, str(moment), *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "interrupted\n")
    assert (tmp_path / "r.jsonl").read_bytes().count(b"\n") >= 1
