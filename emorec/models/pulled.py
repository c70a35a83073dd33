"""Models pulled from the Hugging Face hub: where they are stored, and what is known of them.

Each file is stored as OWNER/REPO/REVISION/FILE below one folder of the cache, with a record
FILE.json beside it. Nothing here uses the network.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from urllib.parse import unquote

from emorec import resources
from emorec.atomic_files import write_json
from emorec.errors import ModelError
from emorec.models.hub_address import HubAddress, is_model_file
from emorec.models.registry import EMOTIONS, TRAINABLE, ModelFile

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class PullRecord:
    """What is recorded of a pulled file.

    Attributes:
        commit: The commit of the repository, in hexadecimal.
        sha256: The hash of the file, in hexadecimal.
        size: Its size in bytes.
        pulled: Time of the download, ISO 8601.
    """

    commit: str
    sha256: str
    size: int
    pulled: str


def hub_folder() -> Path:
    """Return the folder of the pulled models, which may not exist."""
    return resources.cache_folder() / "models" / "hub"


def stored_path(address: HubAddress) -> Path:
    """Return where the file of an address is stored."""
    folder = hub_folder() / address.owner / address.repo / address.quoted_revision
    return folder.joinpath(*address.file.split("/"))


def write_record(address: HubAddress, record: PullRecord) -> None:
    """Write the record of a stored file.

    Raises:
        DataError: The file cannot be written.
    """
    write_json(_record_path(stored_path(address)), asdict(record))


def read_record(address: HubAddress) -> PullRecord | None:
    """Read the record of a file; None if it was not pulled, or if the record is damaged."""
    try:
        found = json.loads(_record_path(stored_path(address)).read_text("utf-8"))
        record = PullRecord(**{field.name: found[field.name] for field in fields(PullRecord)})
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    texts = (record.commit, record.sha256, record.pulled)
    if not all(isinstance(text, str) for text in texts) or type(record.size) is not int:
        return None
    return record if _SHA256.fullmatch(record.sha256) else None


def model_file(address: HubAddress) -> ModelFile | None:
    """Describe a pulled file; None if it was not pulled."""
    record = read_record(address)
    if record is None:
        return None
    return ModelFile(
        name=str(address),
        kind=TRAINABLE if address.file.endswith(".keras") else EMOTIONS,
        path=stored_path(address),
        sha256=record.sha256,
        address=str(address),
    )


def pulled_models() -> list[ModelFile]:
    """List the pulled models by their addresses."""
    root = hub_folder()
    found = []
    for path in sorted(root.glob("*/*/*/**/*.json")):
        owner, repo, revision, *file = path.relative_to(root).with_suffix("").parts
        if is_model_file("/".join(file)):
            found.append(model_file(HubAddress(owner, repo, unquote(revision), "/".join(file))))
    return [file for file in found if file is not None]


def find_pulled(text: str, formats: Sequence[str]) -> Path:
    """Resolve an address on the hub to the file that was pulled from it, and check its hash.

    Args:
        text: The address; without a file it means the only model that was pulled from there.
        formats: Accepted formats, the preferred one first, such as ("onnx", "keras").

    Raises:
        ModelError: The text is no address, or nothing, several files or a file of another format
            was pulled from there, or the file was changed since.
    """
    try:
        address = HubAddress.parse(text)
    except ValueError as error:
        raise ModelError(str(error)) from error
    model = _chosen(address, formats)
    if problem := model.problem():
        raise ModelError(f"{model.name}: {model.path} is {problem}; {model.fix}")
    return model.path


def _chosen(address: HubAddress, formats: Sequence[str]) -> ModelFile:
    if address.file:
        found = model_file(address)
        every = [] if found is None else [found]
    else:
        every = [model for model in pulled_models() if model.name.startswith(f"{address}/")]
    if not every:
        raise ModelError(f"{address}: not pulled yet; fetch it with: emorec models pull {address}")
    for name in formats:
        models = [model for model in every if model.path.suffix == f".{name}"]
        if len(models) > 1:
            names = ", ".join(model.name for model in models)
            raise ModelError(f"{address}: {len(models)} models were pulled from it: {names}")
        if models:
            return models[0]
    kinds = " or ".join(f".{name}" for name in formats)
    raise ModelError(f"{every[0].name}: the model must be a {kinds} file; pull one from there")


def _record_path(model: Path) -> Path:
    return model.with_name(f"{model.name}.json")
