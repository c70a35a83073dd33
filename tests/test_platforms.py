"""Holds what differs between Linux, macOS and Windows: guards, encodings, a system without POSIX.

The tests run on any system. `POSIX` has what the documentation of Python 3.14 marks "Unix" or
"not Windows" and code may be tempted to use.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.clips import write_clip

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "emorec"
PHOTO = ROOT / "examples" / "astronaut.jpg"

POSIX = {
    "os": (
        "fork forkpty killpg getpgid getpgrp setpgid setpgrp setsid getsid getuid geteuid setuid "
        "getgid getegid setgid getgroups sched_getaffinity sched_setaffinity nice uname getloadavg "
        "sysconf statvfs fstatvfs chown lchown fchown fchmod mkfifo mknod wait wait3 wait4 waitid "
        "register_at_fork posix_fallocate posix_fadvise posix_spawn posix_spawnp memfd_create "
        "pread pwrite sendfile sync fdatasync ttyname pathconf confstr openpty ctermid pipe2 "
        "O_NONBLOCK O_NOFOLLOW O_DIRECTORY O_CLOEXEC O_SYNC WIFEXITED WEXITSTATUS WIFSIGNALED"
    ),
    "signal": (
        "SIGHUP SIGKILL SIGUSR1 SIGUSR2 SIGPIPE SIGALRM SIGCHLD SIGQUIT SIGSTOP SIGCONT SIGTSTP "
        "SIGBUS SIGXCPU SIGWINCH pthread_sigmask pthread_kill alarm setitimer sigwait pause"
    ),
    "select": "poll epoll kqueue",
    "time": "tzset",
}
MODULES = (
    "fcntl",
    "resource",
    "pwd",
    "grp",
    "termios",
    "tty",
    "pty",
    "posix",
    "syslog",
    "readline",
)
ARGUMENTS = ("preexec_fn", "start_new_session", "pass_fds")
"""Arguments of `subprocess` that Windows ignores or rejects."""

GUARDS = ("sys.platform", "os.name", "hasattr(")

IN_ONE_PLACE = {("child_process.py", "pass_fds")}
"""It is empty on Windows, where `VideoProcess` has no memory file."""


_SUSPECTS = re.compile(
    rf"\b({'|'.join([*' '.join(POSIX.values()).split(), *MODULES, *ARGUMENTS])})\b"
)


def unguarded(source: str) -> list[str]:
    """Return the names of POSIX that code uses without a guard.

    A guard is an `if` whose condition asks for the system or the name, around the use or before it,
    and then leaves the function.
    """
    if not _SUSPECTS.search(source):
        return []  # parsing is slow
    return [name for statement in ast.parse(source).body for name in _uses(statement)]


def _uses(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.If | ast.IfExp | ast.BoolOp) and _is_guard(node):
        return
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in MODULES)
    elif isinstance(node, ast.ImportFrom):
        if node.module in MODULES:
            yield node.module
        for alias in node.names:
            if alias.name in POSIX.get(node.module or "", "").split():
                yield f"{node.module}.{alias.name}"
    elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.attr in POSIX.get(node.value.id, "").split():
            yield f"{node.value.id}.{node.attr}"
    elif isinstance(node, ast.keyword) and node.arg in ARGUMENTS:
        yield node.arg
    for child in ast.iter_child_nodes(node):
        if _leaves(child):
            return
        yield from _uses(child)


def _is_guard(node: ast.If | ast.IfExp | ast.BoolOp) -> bool:
    test = node.values[0] if isinstance(node, ast.BoolOp) else node.test
    return any(guard in ast.unparse(test) for guard in GUARDS)


def _leaves(node: ast.AST) -> bool:
    """Return whether a statement is a guard that ends in `return`."""
    return isinstance(node, ast.If) and _is_guard(node) and isinstance(node.body[-1], ast.Return)


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("", []),
        ("os.getpid()", []),
        ("os.fork()", ["os.fork"]),
        ("from os import fork", ["os.fork"]),
        ("import fcntl", ["fcntl"]),
        ("from resource import getrlimit", ["resource"]),
        ("x = signal.SIGKILL", ["signal.SIGKILL"]),
        ("x = getattr(signal, 'SIGKILL', 0)", []),
        ("run(a, preexec_fn=f)", ["preexec_fn"]),
        ("if sys.platform == 'linux':\n    import fcntl", []),
        ("if a:\n    import fcntl", ["fcntl"]),
        ("x = os.uname() if hasattr(os, 'uname') else 0", []),
        ("x = hasattr(os, 'getuid') and os.getuid()", []),
        ("x = a and os.getuid()", ["os.getuid"]),
        ("def f():\n    if os.name == 'nt':\n        return 1\n    return os.fork()", []),
        ("def f():\n    if os.name == 'nt':\n        g()\n    return os.fork()", ["os.fork"]),
    ],
)
def test_unguarded_names_are_found(source: str, names: list[str]):
    assert unguarded(source) == names


def test_what_windows_lacks_is_guarded():
    found = {
        (path.relative_to(PACKAGE).as_posix(), name)
        for path in PACKAGE.rglob("*.py")
        for name in unguarded(path.read_text("utf-8"))
    }
    assert found == IN_ONE_PLACE


def test_files_are_opened_with_an_encoding():
    """The default is UTF-8 on Linux and macOS alone."""
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--preview"]
    command += ["--select", "PLW1514", "--output-format", "concise", "emorec", "scripts"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "All checks passed!"), done.stderr


def test_answers_of_programs_are_decoded_with_an_encoding():
    """Text without an encoding is decoded as cp1252 or similar on Windows."""
    called = re.compile(r"\b(text|universal_newlines)=True")
    assert not [
        path.name for path in PACKAGE.rglob("*.py") if called.search(path.read_text("utf-8"))
    ]


WITHOUT_POSIX = """
import multiprocessing, os, select, signal, sys

for name in ("pwd", "grp", "termios"):
    sys.modules[name] = None
for module, names in (
    (os, "fork forkpty killpg getpgid setsid getuid geteuid sched_getaffinity getloadavg "
         "register_at_fork posix_fallocate memfd_create sysconf statvfs mkfifo"),
    (signal, "SIGHUP SIGUSR1 SIGUSR2 SIGALRM SIGQUIT pthread_sigmask setitimer"),
    (select, "poll epoll"),
):
    for name in names.split():
        if hasattr(module, name):
            delattr(module, name)
multiprocessing.set_start_method("spawn")
"""
"""A sitecustomize.py, which every Python runs as it starts: no POSIX, and processes are spawned.

What the standard library uses on Linux stays, such as SIGKILL, and what `sys.platform` guards.
"""


@pytest.fixture
def emorec_without_posix(tmp_path: Path):
    """Return a function that runs the command line as on a system without POSIX."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(WITHOUT_POSIX)
    work = tmp_path / "work"
    work.mkdir()
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
        "PYTHONIOENCODING": "cp1252",
        "EMOREC_CACHE": str(tmp_path / "cache"),
    }

    def run(*arguments: str) -> "subprocess.CompletedProcess[bytes]":
        command = [sys.executable, "-m", "emorec", *arguments]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, check=False)
        assert b"Traceback" not in done.stderr
        assert b"unexpected" not in done.stderr, done.stderr
        return done

    run.folder = work  # type: ignore[attr-defined]
    return run


@pytest.mark.slow
def test_images_without_posix(emorec_without_posix):
    """Threads, worker processes and the decoder process; names outside the console's encoding."""
    folder = emorec_without_posix.folder
    (folder / "photos").mkdir()
    photo = PHOTO.read_bytes()
    for name in ("日本.jpg", "é.jpg"):
        (folder / "photos" / name).write_bytes(photo)
    small = cv2.resize(cv2.imdecode(np.frombuffer(photo, np.uint8), 1), (128, 128))
    cv2.imwrite(str(folder / "photos" / "p.jp2"), small)  # decoded in the child process
    for workers in ("1", "2"):
        done = emorec_without_posix("detect", "photos", "--no-save", "--workers", workers)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(b"happy") >= 2
        assert b"\\u65e5\\u672c.jpg" in done.stdout
        assert "é.jpg".encode("cp1252") in done.stdout
    done = emorec_without_posix("detect", "photos/日本.jpg", "--no-save", "--csv", "-")
    lines = done.stdout.decode("utf-8").split("\n")
    assert len(lines) == 3
    assert lines[1].startswith("photos/日本.jpg,")


@pytest.mark.slow
def test_videos_data_sets_and_doctor_without_posix(emorec_without_posix):
    folder = emorec_without_posix.folder
    write_clip(folder / "clip.avi", [np.full((48, 64, 3), 127, np.uint8)] * 3)
    done = emorec_without_posix("detect", "clip.avi", "--no-save", "--jsonl", "-")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3
    for name in ("train/happy/a.png", "train/sad/A.png", "test/happy/日.png"):
        path = folder / "raw" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = np.random.default_rng(len(name))
        path.write_bytes(cv2.imencode(".png", seed.integers(0, 255, (48, 48), np.uint8))[1])
    done = emorec_without_posix("prepare-data", "raw", "--out", "data", "--validation", "0")
    assert done.returncode == 0, done.stderr
    assert (folder / "data" / "test" / "happy" / "日.png").is_file()
    assert not list(folder.glob(".*"))
    assert emorec_without_posix("doctor").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_every_help_in_the_encodings_of_consoles(encoding: str):
    code = """
import sys
from emorec.cli.main import COMMANDS, run
for command in COMMANDS:
    try:
        run([command, "--help"])
    except SystemExit as end:
        assert end.code == 0, command
"""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"Usage: emorec ") > 10
