"""Finds a file on the Hugging Face hub with huggingface_hub: its commit, size and hash."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from emorec import __version__
from emorec.errors import MissingDependencyError, ModelError
from emorec.installation import install_command
from emorec.models.files import MAX_FILE_BYTES
from emorec.models.hub_address import SUFFIXES, HubAddress, is_model_file

_TIMEOUT_S = 30.0
_SHA1 = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_LISTED = 10
_LOGIN = "log in with: hf auth login"


@dataclass(frozen=True)
class HubFile:
    """A file of a repository at a commit.

    Attributes:
        address: Its address, with the revision that was asked for.
        commit: The commit of that revision.
        size: Its size in bytes.
        sha256: Its hash, if the repository keeps it in Git LFS or Xet; otherwise empty.
        blob: Git's hash of the file; that of its pointer where `sha256` is not empty.
        url: Where to download it.
        headers: Headers of the request, among them the user's token if there is one.
    """

    address: HubAddress
    commit: str
    size: int
    sha256: str
    blob: str
    url: str
    headers: dict[str, str]

    @property
    def key(self) -> str:
        """The hash that identifies the content."""
        return self.sha256 or self.blob


def find_file(address: HubAddress) -> HubFile:
    """Ask the hub for the commit and the file that an address means.

    The environment variables of huggingface_hub count, such as HF_ENDPOINT and HF_TOKEN.

    Args:
        address: The repository, or a file in it; without a file, the only model in it.

    Raises:
        MissingDependencyError: huggingface_hub is not installed.
        ModelError: The hub cannot be reached; the repository, the revision or the file does not
            exist; several models do; or the file is too large or has no hash.
    """
    hub = _library()
    # The package itself reads the variable only while it is imported.
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
    origin = {"library_name": "emorec", "library_version": __version__}
    try:
        info = hub.HfApi(endpoint=endpoint, **origin).model_info(
            address.repo_id, revision=address.revision, files_metadata=True, timeout=_TIMEOUT_S
        )
    # The HTTP library of huggingface_hub, and so the class of its errors, differs by version.
    except Exception as error:
        raise ModelError(_explanation(hub, address, error)) from error
    entries = {entry.rfilename: entry for entry in info.siblings or ()}
    name = _chosen(address, list(entries))
    entry, commit = entries[name], str(info.sha)
    return _checked(
        HubFile(
            address=address.of_file(name),
            commit=commit,
            size=entry.size if isinstance(entry.size, int) else 0,
            sha256=str(entry.lfs.sha256) if entry.lfs else "",
            blob=str(entry.blob_id),
            url=hub.hf_hub_url(address.repo_id, name, revision=commit, endpoint=endpoint),
            headers=hub.utils.build_hf_headers(**origin),
        )
    )


def _library() -> ModuleType:
    """Import huggingface_hub without its telemetry."""
    # The package reads them while it is imported.
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("HF_HUB_DISABLE_UPDATE_CHECK", "1")
    try:
        import huggingface_hub
        import huggingface_hub.utils
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"the Hugging Face hub needs the package {error.name!r}; install it with: "
            f"{install_command('hub')}"
        ) from error
    return huggingface_hub


def _chosen(address: HubAddress, names: Sequence[str]) -> str:
    """Choose the file of a repository.

    Raises:
        ModelError: The file does not exist, or the choice is not clear.
    """
    models = [name for name in names if is_model_file(name)]
    if address.file:
        if address.file in models:
            return address.file
        raise ModelError(f"{address}: the repository has no such file; {_listed(models)}")
    for suffix in SUFFIXES:
        found = [name for name in models if name.endswith(suffix)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ModelError(
                f"{address}: the repository has {len(found)} models; write which one: "
                f"{address}/FILE; {_listed(found)}"
            )
    raise ModelError(f"{address}: {_listed(models)}")


def _listed(models: Sequence[str]) -> str:
    if not models:
        return f"the repository has no {' or '.join(SUFFIXES)} file"
    more = len(models) - _MOST_LISTED
    return f"its models: {', '.join(models[:_MOST_LISTED])}" + (f" and {more} more" * (more > 0))


def _checked(file: HubFile) -> HubFile:
    """Return a file if its size and its hashes are plausible; the hashes become file names."""
    if not 0 < file.size <= MAX_FILE_BYTES:
        raise ModelError(
            f"{file.address}: the file has {file.size:,} bytes; emorec runs models of 1 byte to "
            "1 GiB; name another file"
        )
    is_hash = _SHA256.fullmatch(file.sha256) if file.sha256 else _SHA1.fullmatch(file.blob)
    if not is_hash or not _SHA1.fullmatch(file.commit):
        raise ModelError(
            f"{file.address}: the server states no commit or no hash of the file; it is no "
            "Hugging Face hub; check HF_ENDPOINT"
        )
    return file


def _explanation(hub: ModuleType, address: HubAddress, error: Exception) -> str:
    """Explain an error of the package, without the user's token."""
    kinds = hub.errors
    if isinstance(error, kinds.GatedRepoError):
        return f"{address}: accept the terms of the repository on its page, and {_LOGIN}"
    if isinstance(error, kinds.RepositoryNotFoundError):
        return f"{address}: no such repository, or a private one; check the name, or {_LOGIN}"
    if isinstance(error, kinds.RevisionNotFoundError):
        return f"{address}: the repository has no revision {address.revision!r}; check its name"
    if isinstance(error, kinds.OfflineModeIsEnabled):
        return f"{address}: HF_HUB_OFFLINE forbids the network; unset it to pull a model"
    response: Any = getattr(error, "response", None)
    status = getattr(response, "status_code", None)
    if status in (401, 403):
        return f"{address}: the hub answered {status}: a wrong token or no access; {_LOGIN}"
    if status is not None:
        return f"{address}: the hub answered {status}; try again later"
    reason = " ".join(str(error).split()) or type(error).__name__
    token = hub.get_token()
    if token:
        reason = reason.replace(token, "***")
    return f"{address}: cannot reach the hub: {reason:.200}; check the network and HF_ENDPOINT"
