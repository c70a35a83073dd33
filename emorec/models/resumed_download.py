"""Download of a large file in parts: what an interruption leaves is kept, and continued later."""

import time
import urllib.error
from collections.abc import Callable, Mapping
from pathlib import Path

from emorec.errors import ModelError
from emorec.models.download import CHUNK, open_url

ATTEMPTS = 3
"""Connections in a row without new bytes after which a download fails."""

WAIT_S = 1.0
"""Seconds before the next connection."""

_ADVICE = "run the command again to resume the download"
_PARTIAL_CONTENT = 206


def download_resumed(
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
        ModelError: The server cannot be reached, or it closes the connection without sending
            anything `ATTEMPTS` times in a row.
    """
    have = target.stat().st_size if target.is_file() else 0
    failures = 0
    while have < size:
        before = have
        try:
            _receive(url, target, size, headers, progress)
        except ModelError as error:
            # The server will say the same again.
            if isinstance(error.__cause__, urllib.error.HTTPError):
                raise
            have = target.stat().st_size if target.is_file() else 0
            failures = failures + 1 if have <= before else 0
            if failures == ATTEMPTS:
                raise
            time.sleep(WAIT_S)
        else:
            return


def _receive(
    url: str,
    target: Path,
    size: int,
    headers: Mapping[str, str],
    progress: Callable[[int, int], None],
) -> None:
    """Append what is missing, over one connection."""
    with target.open("ab") as file:
        have = file.tell()
        # Compressed content would have other positions.
        request = {**headers, "Accept-Encoding": "identity"}
        if have:
            request["Range"] = f"bytes={have}-"
        with open_url(url, size - have, _ADVICE, request) as response:
            if response.status != _PARTIAL_CONTENT:
                have = 0
                file.truncate(0)
            elif not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                file.truncate(0)
                raise ModelError(f"{url}: the server sent another part of the file; {_ADVICE}")
            while have < size:
                chunk = response.read1(min(CHUNK, size - have))
                if not chunk:
                    raise ModelError(
                        f"{url}: the connection ended after {have:,} of {size:,} bytes; {_ADVICE}"
                    )
                file.write(chunk)
                have += len(chunk)
                progress(have, size)
