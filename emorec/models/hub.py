"""Pulls models from the Hugging Face hub into the cache: download, check, record."""

import hashlib
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from emorec.atomic_files import replace_path
from emorec.errors import DataError, ModelError
from emorec.locks import locked
from emorec.models.download import download
from emorec.models.files import read_metadata
from emorec.models.hub_address import MAIN, HubAddress
from emorec.models.hub_files import HubFile, find_file
from emorec.models.onnx_limits import check_graph
from emorec.models.pulled import (
    PullRecord,
    hub_folder,
    model_file,
    read_record,
    stored_path,
    write_record,
)
from emorec.models.registry import ModelFile, hash_of
from emorec.shell_words import quoted

STALE_S = 7 * 86400.0
"""Age in seconds from which an interrupted download is deleted."""


def pull(
    address: HubAddress,
    sha256: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[ModelFile, bool]:
    """Download a model into the cache, check it, and record it.

    A file that is there already is not downloaded again. Without the network, it counts as the
    same file only if the address names a commit, or `sha256` is its hash.

    Args:
        address: The repository, or a file in it; without a file, the only model in it.
        sha256: The expected hash of the file, in hexadecimal.
        progress: Called with the number of bytes received and their total.

    Returns:
        The stored file, and whether it was downloaded now.

    Raises:
        MissingDependencyError: huggingface_hub is not installed.
        ModelError: The file cannot be found or fetched, is too large, has another hash, or is no
            model that emorec runs. Nothing is stored, and a file from before stays.
        DataError: The file cannot be written, or another process is pulling it.
    """
    stored = _pinned(address, sha256)
    if stored is not None:
        return stored, False
    file = find_file(address)
    if sha256 and file.sha256 not in ("", sha256):
        raise ModelError(
            f"{file.address}: its SHA-256 is {file.sha256}, not {sha256}; nothing was downloaded"
        )
    stored = model_file(file.address)
    is_new = (
        stored is None
        or stored.problem() is not None
        or _mismatch(file, stored.path, sha256) is not None
    )
    if is_new:
        _fetch(file, sha256, progress)
    path = stored_path(file.address)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    write_record(file.address, PullRecord(file.commit, hash_of(path), path.stat().st_size, now))
    found = model_file(file.address)
    assert found is not None
    return found, is_new


def _pinned(address: HubAddress, sha256: str | None) -> ModelFile | None:
    """Return the stored file of an address if the hub can hold no other one."""
    stored, record = model_file(address), read_record(address)
    if stored is None or record is None or stored.problem() is not None:
        return None
    if sha256 is None:
        return stored if address.revision == record.commit else None
    return stored if record.sha256 == sha256 else None


def _fetch(file: HubFile, sha256: str | None, progress: Callable[[int, int], None]) -> None:
    """Download a file beside its place, and move it there if it is a sound model."""
    target = stored_path(file.address)
    folder = hub_folder() / ".partial"
    # The suffix decides how a model is read.
    partial = folder / f"{file.key}{target.suffix}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(folder)
        with locked(folder / f"{file.key}.lock", f"{file.address}: another process pulls it"):
            download(file.url, partial, file.size, file.headers, progress)
            try:
                if problem := _mismatch(file, partial, sha256):
                    raise ModelError(f"{file.address}: {problem}; nothing was saved; try again")
                _require_model(partial, file.address)
                replace_path(partial, target)
            except BaseException:
                partial.unlink(missing_ok=True)
                raise
    except OSError as error:
        reason = error.strerror or error
        raise DataError(f"{target}: cannot write the file: {reason}") from error


def _mismatch(file: HubFile, path: Path, sha256: str | None) -> str | None:
    """Describe how a file differs from the expected one; None if it does not."""
    found = hash_of(path)
    if sha256 and found != sha256:
        return f"its SHA-256 is {found}, not {sha256}"
    if file.sha256:
        return None if found == file.sha256 else f"its SHA-256 is {found}, not {file.sha256}"
    # Git's hash of a file, https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    content = path.read_bytes()
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    return None if blob == file.blob else f"its Git hash is {blob}, not {file.blob}"


def _require_model(path: Path, address: HubAddress) -> None:
    """Check that a file is a model that emorec may load.

    Raises:
        ModelError: It is damaged, has no metadata, or exceeds the limits.
    """
    revision = "" if address.revision == MAIN else f" --revision {address.revision}"
    advice = (
        f"download it with: hf download {address.repo_id} {quoted(address.file)}{revision} "
        "--local-dir ., and describe it with: emorec models adopt"
    )
    try:
        metadata = read_metadata(path, advice)
        if path.suffix == ".onnx":
            size = metadata.input_size
            check_graph(path.read_bytes(), (1, size, size, metadata.channels))
    except ModelError as error:
        raise ModelError(str(error).replace(str(path), str(address))) from error
    except ValueError as error:
        raise ModelError(f"{address}: the model is refused: {error}") from error


def _remove_stale(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > STALE_S:
                path.unlink()
