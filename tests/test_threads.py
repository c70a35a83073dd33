import os
import signal
import threading
import time
from pathlib import Path

import pytest

from emorec import threads
from emorec.threads import MAX_THREADS, available_cores, default_threads, run_in_threads


def test_no_indices():
    run_in_threads(lambda index: pytest.fail("called"), 0, lambda *_: pytest.fail("reported"))


def test_every_index_is_processed_once(monkeypatch):
    monkeypatch.setattr(threads, "BATCH", 7)
    processed: list[int] = []
    run_in_threads(processed.append, 100)
    assert sorted(processed) == list(range(100))


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, [(1, 1)]), (3, [(3, 3)]), (7, [(3, 7), (6, 7), (7, 7)])],
)
def test_progress_is_reported_after_every_batch(monkeypatch, count, expected):
    monkeypatch.setattr(threads, "BATCH", 3)
    reports: list[tuple[int, int]] = []
    run_in_threads(lambda index: None, count, lambda *numbers: reports.append(numbers))
    assert reports == expected


def test_the_first_failure_ends_the_work(monkeypatch):
    monkeypatch.setattr(threads, "BATCH", 1)
    lock, calls = threading.Lock(), 0

    def work(index: int) -> None:
        nonlocal calls
        with lock:
            calls += 1
        raise OSError(f"failure {index}")

    def stop(*_: int) -> None:
        raise AssertionError("the failure came too late")

    with pytest.raises(OSError, match="failure 0"):
        run_in_threads(work, 2000, stop)
    assert calls < 2000


def test_ctrl_c_ends_the_work(monkeypatch):
    monkeypatch.setattr(threads, "BATCH", 1)
    processed: list[int] = []

    def interrupt(done: int, total: int) -> None:
        if done == 3:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_in_threads(processed.append, 50, interrupt)
    assert 3 <= len(processed) <= 50


def test_ctrl_c_does_not_wait_for_the_rest_of_a_batch():
    processed: list[int] = []

    def work(index: int) -> None:
        processed.append(index)
        if index == 3:
            os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.02)

    with pytest.raises(KeyboardInterrupt):
        run_in_threads(work, threads.BATCH)
    assert 4 <= len(processed) < threads.BATCH / 2


@pytest.mark.parametrize(("cores", "expected"), [(1, 1), (3, 3), (64, MAX_THREADS)])
def test_one_thread_per_core_up_to_the_limit(monkeypatch, cores, expected):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(cores)), raising=False)
    monkeypatch.setattr(threads, "_quotas", lambda: iter(()))
    assert default_threads() == expected


@pytest.mark.parametrize(("cores", "expected"), [(None, 1), (4, 4)])
def test_systems_without_affinity(monkeypatch, cores, expected):
    monkeypatch.setattr(threads, "_quotas", lambda: iter(()))
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert default_threads() == expected


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("", {}, 6),
        ("0::/", {"cpu.max": "max 100000\n"}, 6),
        ("0::/", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/", {"cpu.max": "1600000 100000\n"}, 6),
        ("0::/", {"cpu.max": "damaged"}, 6),
        ("0::/a/b", {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000"}, 3),
        ("0::/of/the/host", {"cpu.max": "200000 100000"}, 2),
        (
            "4:cpu,cpuacct:/docker/1\n0::/",
            {"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"},
            4,
        ),
        ("4:cpu:/", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 6),
        ("4:cpuset:/", {"cpu.max": "100000 100000"}, 6),
    ],
)
def test_the_quota_of_a_container_limits_the_cores(
    monkeypatch, tmp_path: Path, membership, files, expected
):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(6)), raising=False)
    (tmp_path / "membership").write_text(membership)
    for name, content in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(content)
    monkeypatch.setattr(threads, "_GROUP_OF_PROCESS", tmp_path / "membership")
    monkeypatch.setattr(threads, "_GROUPS", tmp_path / "groups")
    assert available_cores() == expected


def test_systems_without_control_groups(monkeypatch, tmp_path: Path):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1}, raising=False)
    monkeypatch.setattr(threads, "_GROUP_OF_PROCESS", tmp_path / "missing")
    assert available_cores() == 2
