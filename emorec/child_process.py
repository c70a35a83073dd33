"""Child processes for native decoders: start, limits, and the messages to and from them.

The parent calls `start_child`; the function that runs in the child calls `begin_child`. Both then
exchange messages with `send` and `receive`.
"""

import contextlib
import json
import os
import select
import struct
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import subprocess

MEMORY_BYTES = 4 * 2**30
"""Address space of a child, where the system can limit it."""

_LENGTHS = struct.Struct("<QQ")
_WATCH_S = 0.5
"""Interval at which a child checks that its parent still lives, and a parent its watchdog."""


def start_child(
    function: str,
    *arguments: str,
    descriptors: Sequence[int] = (),
    errors: IO[bytes] | None = None,
) -> "subprocess.Popen[bytes]":
    """Start a Python process whose standard input and output are pipes, without buffers.

    Args:
        function: Module and name of the function to call in it, such as "package.module:name".
        arguments: Its arguments.
        descriptors: File descriptors that it inherits.
        errors: Its standard error; None discards what it writes there.

    Raises:
        OSError: No process can be started.
    """
    import subprocess  # slow to import; children do not need it

    return subprocess.Popen(
        python_command(function, *arguments),
        bufsize=0,  # a forked process must not write what is left in a buffer
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL if errors is None else errors,
        pass_fds=descriptors,
        **own_group(),
    )


def own_group() -> dict[str, Any]:
    """Return arguments of `subprocess` for a process that Ctrl-C in a terminal does not reach.

    Ctrl-C goes to the whole group of the terminal; the parent decides what it means.
    """
    if sys.platform == "win32":
        return {"creationflags": 0x200}  # subprocess.CREATE_NEW_PROCESS_GROUP, of Windows alone
    return {"start_new_session": True}


def python_command(function: str, *arguments: str) -> list[str]:
    """Return the command that calls a function in a new Python process.

    Args:
        function: As for `start_child`.
        arguments: Its arguments.
    """
    module, _, name = function.partition(":")
    # The child finds the same packages as this process, whatever changed `sys.path`.
    program = (
        f"import sys; sys.path[:] = {sys.path!a}; from {module} import {name}; "
        f"{name}(*sys.argv[1:])"
    )
    return [sys.executable, "-X", f"utf8={sys.flags.utf8_mode}", "-c", program, *arguments]


class Watchdog:
    """Ends a child process that makes this one wait for too long.

    Args:
        process: The child.
        timeout_s: The longest time, in seconds.

    Attributes:
        timeout_s: As above.
        waiting_since: Clock (`time.monotonic`) when the waiting began; None while nothing is
            awaited.
        expired: Whether the child was ended.
        stopped: Set to end the watching.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.waiting_since: float | None = None
        self.expired = False
        self.stopped = threading.Event()
        self._process = process
        threading.Thread(target=self._watch, name="emorec-watch", daemon=True).start()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Limit the time of a block that waits for the child."""
        self.waiting_since = time.monotonic()
        try:
            yield
        finally:
            self.waiting_since = None

    def _watch(self) -> None:
        while not self.stopped.wait(_WATCH_S):
            since = self.waiting_since
            if since is not None and time.monotonic() - since > self.timeout_s:
                self.expired = True
                self._process.kill()
                return


def end_child(process: "subprocess.Popen[bytes]") -> None:
    """Kill a child process, close its pipes and wait for its end."""
    process.kill()
    for stream in (process.stdin, process.stdout):
        with contextlib.suppress(OSError):
            cast(IO[bytes], stream).close()
    process.wait()


def send(stream: IO[bytes], header: dict[str, Any], *parts: memoryview) -> None:
    """Write a message: a header as JSON, and bytes.

    Raises:
        OSError: The other process has ended.
    """
    text = json.dumps(header).encode()
    start = _LENGTHS.pack(len(text), sum(len(part) for part in parts)) + text
    for part in (memoryview(start), *parts):
        while part:
            part = part[stream.write(part) :]


def receive(stream: IO[bytes]) -> tuple[dict[str, Any], bytearray]:
    """Read a message.

    Raises:
        EOFError: The stream ended, or what came is no message: a decoder that is about to crash may
            write anything.
        OSError: The stream cannot be read.
    """
    length, size = _LENGTHS.unpack(_read(stream, _LENGTHS.size))
    if length + size > MEMORY_BYTES:
        raise EOFError
    text = _read(stream, length)
    try:
        return json.loads(text), _read(stream, size)
    except ValueError as error:
        raise EOFError from error


def _read(stream: IO[bytes], count: int) -> bytearray:
    data = bytearray(count)
    rest = memoryview(data)
    while rest:
        # Unbuffered streams have `readinto`, which the type of `Popen.stdout` does not say.
        received = cast(Any, stream).readinto(rest)
        if not received:
            raise EOFError
        rest = rest[received:]
    return data


def begin_child(limited: bool = True) -> tuple[IO[bytes], IO[bytes]]:
    """Limit the resources of this process, which then ends with its parent.

    Args:
        limited: False sets no limits, for work that the parent trusts.

    Returns:
        The streams of the messages from and to the parent.
    """
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()
    if limited:
        _limit_resources()
    # Whatever a library prints must not end up between the messages.
    streams = os.fdopen(os.dup(0), "rb", 0), os.fdopen(os.dup(1), "wb", 0)
    os.dup2(2, 1)
    return streams


def _limit_resources() -> None:
    if sys.platform == "win32":
        return
    import resource

    # A system that runs out of memory ends this process, and not the one that holds the batch.
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    limit = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
    # macOS knows the limit and refuses to set it.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    # A crash that is expected leaves no core file in the user's folder.
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


def _end_with_parent(parent: int) -> None:
    """End this process when the parent ended, even amid a decoder that hangs."""
    while os.getppid() == parent and not _is_input_closed(_WATCH_S):
        pass
    os._exit(1)


def _is_input_closed(seconds: float) -> bool:
    """Wait for the other end of standard input to be closed.

    A process that was forked from the parent may keep it open after the parent's end.
    """
    if not hasattr(select, "poll"):
        time.sleep(seconds)
        return False
    poll = select.poll()
    poll.register(0, 0)  # no event but those that are always reported
    return bool(poll.poll(seconds * 1000))
