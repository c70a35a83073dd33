"""Download of files over http and https, with limits of size and time; an interrupted one resumes.

What was received stays in the file, and the next download continues there. The caller checks the
content.
"""

import contextlib
import http.client
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from emorec import __version__
from emorec.errors import DataError, ModelError

TIMEOUT_S = 30.0
"""Seconds without data after which a connection fails."""

MIN_BYTES_PER_S = 5000
"""Slowest download: it may take `TIMEOUT_S` and a second for so many bytes."""

ATTEMPTS = 3
"""Connections in a row without new bytes after which a download fails."""

WAIT_S = 1.0
"""Seconds before the next connection."""

_CHUNK = 64 * 2**10
_ADVICE = "run the command again to resume the download"
_PARTIAL_CONTENT = 206


def download(
    url: str,
    target: Path,
    size: int,
    headers: Mapping[str, str],
    progress: Callable[[int, int], None],
) -> None:
    """Download a file of a known size; bytes that the target has already are not requested.

    The target keeps what was received if the download fails.

    Args:
        url: The URL, http or https.
        target: The file to write or to continue.
        size: Its size in bytes when it is whole; not a byte more is received.
        headers: Headers of the requests; Authorization is not sent to where the server redirects.
        progress: Called with the number of bytes in the file and their total.

    Raises:
        ModelError: The server cannot be reached, is slower than `MIN_BYTES_PER_S`, or closes the
            connection without sending anything `ATTEMPTS` times in a row.
        DataError: The target cannot be written.
    """
    have = target.stat().st_size if target.is_file() else 0
    limit = _TimeLimit(TIMEOUT_S + max(size - have, 0) / MIN_BYTES_PER_S)
    failures = 0
    while have < size:
        before = have
        try:
            _receive(url, target, size, headers, progress, limit)
        except OSError as error:
            raise _unwritable(target, error) from error
        except ModelError as error:
            # The server will say the same again.
            if isinstance(error.__cause__, urllib.error.HTTPError) or limit.is_over():
                raise
            have = target.stat().st_size if target.is_file() else 0
            failures = failures + 1 if have <= before else 0
            if failures == ATTEMPTS:
                raise
            time.sleep(WAIT_S)
        else:
            return


class _TimeLimit:
    """The end of a download, however much it has received."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds left, at least 0."""
        return max(self._end - time.monotonic(), 0)

    def is_over(self) -> bool:
        """Whether the time is over."""
        return not self.left()


def _receive(
    url: str,
    target: Path,
    size: int,
    headers: Mapping[str, str],
    progress: Callable[[int, int], None],
    limit: _TimeLimit,
) -> None:
    """Append what is missing, over one connection."""
    with target.open("ab") as file:
        have = file.tell()
        # Compressed content would have other positions.
        request = {**headers, "Accept-Encoding": "identity"}
        if have:
            request["Range"] = f"bytes={have}-"
        with _opened(url, request, limit) as response:
            if response.status != _PARTIAL_CONTENT and have:
                have = 0
                file.truncate(0)
            elif have and not response.headers.get("Content-Range", "").startswith(
                f"bytes {have}-"
            ):
                file.truncate(0)
                raise ModelError(f"{url}: the server sent another part of the file; {_ADVICE}")
            while have < size:
                chunk = response.read1(min(_CHUNK, size - have))
                if not chunk:
                    raise ModelError(
                        f"{url}: the connection ended after {have:,} of {size:,} bytes; {_ADVICE}"
                    )
                try:
                    file.write(chunk)
                except OSError as error:  # other errors of the system come from the network
                    raise _unwritable(target, error) from error
                have += len(chunk)
                progress(have, size)


@contextmanager
def _opened(
    url: str, headers: Mapping[str, str], limit: _TimeLimit
) -> Iterator[http.client.HTTPResponse]:
    """Open a URL, and convert errors while it is read into a ModelError."""
    with contextlib.ExitStack() as timers:
        try:
            request = urllib.request.Request(url, headers={"User-Agent": f"emorec/{__version__}"})
            for name, value in headers.items():
                if name.lower() == "authorization":
                    request.add_unredirected_header(name, value)
                else:
                    request.add_header(name, value)
            with _opener(limit, timers).open(request, timeout=TIMEOUT_S) as response:
                yield response
        except (OSError, http.client.HTTPException, ValueError, ModelError) as error:
            # A connection that is closed at the end of the time looks like the end of the file.
            if limit.is_over():
                raise _failed(url, f"it took longer than {limit.seconds:.0f} s") from error
            if isinstance(error, ModelError):
                raise
            raise _failed(url, _reason(error)) from error


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def _opener(limit: _TimeLimit, timers: contextlib.ExitStack) -> urllib.request.OpenerDirector:
    """Make an opener of http and https alone, also for redirects.

    Args:
        limit: When the connections are closed. The timeout of a socket starts again with each byte.
        timers: Receives the timers that close them, to cancel them.
    """

    def limited(kind: type[http.client.HTTPConnection]) -> Any:
        def make(host: str, **options: Any) -> http.client.HTTPConnection:
            connection = kind(host, **options)
            connect = connection.connect

            def connect_with_timer() -> None:
                connect()
                timer = threading.Timer(limit.left(), _shut, (connection.sock,))
                timer.daemon = True
                timer.start()
                timers.callback(timer.cancel)

            connection.connect = connect_with_timer  # type: ignore[method-assign]
            return connection

        return make

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(
            self,
            req: urllib.request.Request,
            fp: Any,
            code: int,
            msg: str,
            headers: Any,
            newurl: str,
        ) -> urllib.request.Request | None:
            if req.full_url.startswith("https:") and not newurl.startswith("https:"):
                raise urllib.error.URLError("it redirects from https to http")
            return super().redirect_request(req, fp, code, msg, headers, newurl)

    class Http(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(limited(http.client.HTTPConnection), req)

    class Https(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(limited(http.client.HTTPSConnection), req)

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        Redirects(),
        urllib.request.HTTPErrorProcessor(),
        Http(),
        Https(),
    ):
        opener.add_handler(handler)
    return opener


def _shut(connected: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connected.shutdown(socket.SHUT_RDWR)


def _unwritable(target: Path, error: OSError) -> DataError:
    return DataError(f"{target}: cannot write: {error.strerror or error}")


def _failed(url: str, reason: str) -> ModelError:
    return ModelError(f"{url}: cannot fetch the file: {' '.join(reason.split())}; {_ADVICE}")
