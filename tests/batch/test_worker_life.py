"""Worker processes end with their parent; tests/cli/test_signals.py kills whole commands."""

import os
import signal
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from emorec.atomic_files import written_whole
from emorec.batch.worker_life import end_with_parent, signals_blocked


def work(parent_lives, started, folder: Path, seconds: float) -> None:
    end_with_parent(parent_lives)
    with written_whole(folder / "a.txt") as partial:
        partial.write_text("half")
        started.set()
        time.sleep(seconds)
        partial.write_text("whole")
    time.sleep(600)


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "left"), [(0.2, ["a.txt"]), (600, [])], ids=["short", "long"])
def test_the_end_of_the_pipe_ends_a_worker(tmp_path: Path, seconds: float, left: list[str]):
    context = get_context("spawn")
    reader, writer = context.Pipe(duplex=False)
    started = context.Event()
    process = context.Process(target=work, args=(reader, started, tmp_path, seconds))
    process.start()
    try:
        assert started.wait(60)
        for number in (signal.SIGINT, signal.SIGTERM):  # the parent decides what they mean
            if sys.platform != "win32":
                os.kill(process.pid, number)
        time.sleep(0.1)
        assert process.is_alive()
        writer.close()
        process.join(30)
        assert process.exitcode == 1
        assert [path.name for path in tmp_path.iterdir()] == left
        assert all(path.read_text() == "whole" for path in tmp_path.iterdir())
    finally:
        process.kill()


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows blocks no signals")
def test_signals_wait_for_the_end_of_the_block():
    done = []

    def work() -> None:
        with signals_blocked():
            signal.raise_signal(signal.SIGINT)
            done.append("the block")
        done.append("never")

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done == ["the block"]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])
