"""Download of model files, with a check of size and SHA-256."""

import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from emorec import __version__
from emorec.atomic_files import write_bytes
from emorec.errors import DataError, ModelError
from emorec.models.registry import ModelFile

TIMEOUT_S = 30.0
"""Seconds without data after which a download fails."""

_CHUNK = 64 * 2**10


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
    with _open_source(source) as stream:
        # Reading one byte more than expected detects a longer file without reading all of it.
        while len(data) <= model.size:
            chunk = stream.read(min(_CHUNK, model.size + 1 - len(data)))
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
def _open_source(source: str) -> Iterator[BinaryIO]:
    """Open a URL or a file, and convert errors while it is read into a ModelError."""
    try:
        if not source.startswith(("http://", "https://")):
            if not Path(source).is_file():
                raise ModelError(f"{source}: no such file, and not an http:// or https:// URL")
            with Path(source).open("rb") as file:
                yield file
            return
        headers = {"User-Agent": f"emorec/{__version__}"}
        request = urllib.request.Request(source, headers=headers)
        # urlopen keeps the proxies of its first call.
        opener = urllib.request.build_opener()
        with opener.open(request, timeout=TIMEOUT_S) as response:
            yield cast(BinaryIO, response)
    except urllib.error.HTTPError as error:
        raise _failed(source, f"the server answered {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise _failed(source, str(error.reason)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _failed(source, str(error) or type(error).__name__) from error


def _failed(source: str, reason: str) -> ModelError:
    return ModelError(
        f"{source}: cannot fetch the file: {' '.join(reason.split())}; try again, or download it "
        "elsewhere and pass it with --from"
    )


def _mismatch(model: ModelFile, source: str, why: str) -> ModelError:
    return ModelError(f"{source}: not {model.path.name}: {why}; nothing was saved")
