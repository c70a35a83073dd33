"""Download of files over http and https, with limits of size and time, and a check of SHA-256."""

import contextlib
import hashlib
import http.client
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

from emorec import __version__
from emorec.atomic_files import write_bytes
from emorec.errors import DataError, ModelError
from emorec.models.registry import ModelFile

TIMEOUT_S = 30.0
"""Seconds without data after which a download fails."""

MIN_BYTES_PER_S = 5000
"""Slowest download: it may take `TIMEOUT_S` and a second for so many bytes."""

CHUNK = 64 * 2**10
"""Most bytes of one read."""

_ELSEWHERE = "try again, or download it elsewhere and pass it with --from"


def fetch(
    model: ModelFile,
    source: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> None:
    """Fetch a model file, check it and store it atomically.

    Proxies in the environment variables http_proxy, https_proxy and no_proxy are used.

    Args:
        model: The model file.
        source: Another URL (http or https), or the path of a file; the default is the model's URL.
        progress: Called with the number of bytes received and their total.

    Raises:
        ModelError: The file cannot be fetched, or has another size or SHA-256.
        DataError: The file cannot be written.
    """
    source = source or model.url
    data = bytearray()
    digest = hashlib.sha256()
    if not source.startswith(("http://", "https://")) and not Path(source).is_file():
        raise ModelError(f"{source}: no such file, and not an http:// or https:// URL")
    with _open_source(source, model.size) as stream:
        # Reading one byte more than expected detects a longer file without reading all of it.
        while len(data) <= model.size:
            chunk = stream.read1(min(CHUNK, model.size + 1 - len(data)))
            if not chunk:
                break
            data += chunk
            digest.update(chunk)
            progress(min(len(data), model.size), model.size)
        if len(data) < model.size:
            raise _mismatch(model, source, f"it ends after {len(data)} of {model.size} bytes")
    if len(data) > model.size:
        raise _mismatch(model, source, f"it has more than {model.size} bytes")
    if digest.hexdigest() != model.sha256:
        raise _mismatch(model, source, f"its SHA-256 is {digest.hexdigest()}, not {model.sha256}")
    folder = model.path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{folder}: cannot create the folder: {reason}") from error
    write_bytes(model.path, bytes(data))


@contextmanager
def _open_source(source: str, size: int) -> Iterator[BufferedReader]:
    """Open a URL or a file of an expected size, and convert errors while it is read."""
    if source.startswith(("http://", "https://")):
        with open_url(source, size, _ELSEWHERE) as response:
            yield cast(BufferedReader, response)
        return
    try:
        with Path(source).open("rb") as file:
            yield file
    except OSError as error:
        raise _failed(source, str(error), _ELSEWHERE) from error


@contextmanager
def open_url(
    url: str, size: int, advice: str, headers: Mapping[str, str] | None = None
) -> Iterator[http.client.HTTPResponse]:
    """Open a URL, and convert errors while it is read into a ModelError.

    Redirects to http and https are followed, not from https to http.

    Args:
        url: The URL, http or https.
        size: Expected number of bytes. The connection is closed after `TIMEOUT_S` and a second for
            each `MIN_BYTES_PER_S` of them, however much it has sent.
        advice: What to do after an error; the end of its message.
        headers: Further headers. Authorization is not sent to where the server redirects.

    Raises:
        ModelError: The URL cannot be opened or read.
    """
    seconds = TIMEOUT_S + size / MIN_BYTES_PER_S
    with contextlib.ExitStack() as timers:
        deadline = time.monotonic() + seconds
        try:
            request = urllib.request.Request(url, headers={"User-Agent": f"emorec/{__version__}"})
            for name, value in (headers or {}).items():
                if name.lower() == "authorization":
                    request.add_unredirected_header(name, value)
                else:
                    request.add_header(name, value)
            with _opener(deadline, timers).open(request, timeout=TIMEOUT_S) as response:
                yield response
        except (OSError, http.client.HTTPException, ValueError, ModelError) as error:
            # A connection that is closed at the deadline looks like the end of the file.
            if time.monotonic() >= deadline:
                raise _failed(url, f"it took longer than {seconds:.0f} s", advice) from error
            if isinstance(error, ModelError):
                raise
            raise _failed(url, _reason(error), advice) from error


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code} {error.reason}"
    if isinstance(error, urllib.error.URLError):
        return str(error.reason)
    return str(error) or type(error).__name__


def _opener(deadline: float, timers: contextlib.ExitStack) -> urllib.request.OpenerDirector:
    """Make an opener of http and https alone, also for redirects.

    Args:
        deadline: When the connections are closed, by `time.monotonic`. The timeout of a socket
            starts again with each byte.
        timers: Receives the timers, to cancel them.
    """

    def limited(kind: type[http.client.HTTPConnection]) -> Any:
        def make(host: str, **options: Any) -> http.client.HTTPConnection:
            connection = kind(host, **options)
            connect = connection.connect

            def connect_with_timer() -> None:
                connect()
                seconds = max(deadline - time.monotonic(), 0)
                timer = threading.Timer(seconds, _shut, (connection.sock,))
                timer.daemon = True
                timer.start()
                timers.callback(timer.cancel)

            connection.connect = connect_with_timer  # type: ignore[method-assign]
            return connection

        return make

    class Redirects(urllib.request.HTTPRedirectHandler):
        def redirect_request(
            self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
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


def _failed(source: str, reason: str, advice: str) -> ModelError:
    return ModelError(f"{source}: cannot fetch the file: {' '.join(reason.split())}; {advice}")


def _mismatch(model: ModelFile, source: str, why: str) -> ModelError:
    return ModelError(f"{source}: not {model.path.name}: {why}; nothing was saved")
