"""Requests to http and https addresses: content type, refusals, bounded download of images."""

import base64
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPMessage
from typing import IO, Any

import numpy as np

from emorec import __version__
from emorec.errors import DataError
from emorec.images import MAX_FILE_BYTES, Bytes

TIMEOUT_S = 10.0
"""Seconds for the server to answer, and to send the next bytes."""

MAX_SECONDS = 60.0
"""Longest download."""

_CHUNK = 2**16


def is_image_answer(address: str) -> bool:
    """Ask the server whether an address is an image; False if it does not answer."""
    try:
        with _answer(address) as response:
            return str(response.headers.get_content_type()).startswith("image/")
    except DataError:
        return False


def refusal(address: str) -> str | None:
    """Ask the server why an address cannot be read; None if it answers as it should."""
    try:
        with _answer(address):
            return None
    except DataError as error:
        return str(error)


def fetch_image(address: str) -> Bytes:
    """Download an image.

    Returns:
        Its bytes, at most `MAX_FILE_BYTES`.

    Raises:
        DataError: The server cannot be reached, refuses, redirects to another kind of address,
            takes too long or sends too much.
    """
    data = bytearray()
    end = time.monotonic() + MAX_SECONDS
    with _answer(address) as response:
        while chunk := response.read1(_CHUNK):
            data += chunk
            if len(data) > MAX_FILE_BYTES:
                limit = f"the limit for images is {MAX_FILE_BYTES // 2**20} MiB"
                raise DataError(f"{_shown(address)}: too large; {limit}")
            if time.monotonic() > end:
                raise DataError(
                    f"{_shown(address)}: the download takes longer than {MAX_SECONDS:g} s"
                )
    if not data:
        raise DataError(f"{_shown(address)}: the image is empty (0 bytes)")
    return np.frombuffer(bytes(data), np.uint8)


class _SameKind(urllib.request.HTTPRedirectHandler):
    """Follows redirects to the same scheme and from http to https only."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """Return the request for a redirect."""
        scheme = urllib.parse.urlsplit(newurl).scheme.lower()
        if scheme not in (req.type, "https"):
            raise urllib.error.URLError(f"it redirects to {_shown(newurl)}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _shown(address: str) -> str:
    """Return an address without user and password."""
    parts = urllib.parse.urlsplit(address)
    return urllib.parse.urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


@contextmanager
def _answer(address: str) -> Iterator[Any]:
    """Request an address and yield the response; convert errors into a DataError."""
    name = "the address"
    try:
        name = _shown(address)
        parts = urllib.parse.urlsplit(address)
        login, _, host = parts.netloc.rpartition("@")
        headers = {"User-Agent": f"emorec/{__version__}"}
        if login:
            plain = urllib.parse.unquote(login).encode()
            headers["Authorization"] = f"Basic {base64.b64encode(plain).decode()}"
        url = urllib.parse.urlunsplit(parts._replace(netloc=host, fragment=""))
        opener = urllib.request.build_opener(_SameKind())
        request = urllib.request.Request(url, headers=headers)
        with opener.open(request, timeout=TIMEOUT_S) as response:
            yield response
    except urllib.error.HTTPError as error:
        raise DataError(f"{name}: the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise DataError(
            f"{name}: cannot be read: {error.reason}; check the address and the network"
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        raise DataError(f"{name}: cannot be read: {error or type(error).__name__}") from error
