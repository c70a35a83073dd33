"""Reads what wandb wrote offline: a log of records in the format of LevelDB."""

import json
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_BLOCK, _HEADER, _FILE_HEADER = 32_768, 7, 7


@dataclass
class OfflineRun:
    """A run of wandb as one process wrote it."""

    run_id: str = ""
    project: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    artifact_files: set[str] = field(default_factory=set)
    kinds: set[str] = field(default_factory=set)
    exit_code: int | None = None
    host: str = ""


def _records(data: bytes) -> list[bytes]:
    found, place, partial = [], _FILE_HEADER, b""
    while place + _HEADER <= len(data):
        if _BLOCK - place % _BLOCK < _HEADER:
            place += _BLOCK - place % _BLOCK
            continue
        _, length, kind = struct.unpack("<IHB", data[place : place + _HEADER])
        if not kind:
            break
        place += _HEADER
        partial += data[place : place + length]
        place += length
        if kind in (1, 4):  # whole, or the last part
            found.append(partial)
            partial = b""
    return found


def read_offline(folder: Path) -> OfflineRun:
    """Read the folder offline-run-... of a process, once wandb has written the end of the run."""
    deadline = time.monotonic() + 120
    while (found := _read(folder)).exit_code is None and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


def _read(folder: Path) -> OfflineRun:
    from wandb.proto import wandb_internal_pb2

    (file,) = folder.glob("run-*.wandb")
    run = OfflineRun()
    for part in _records(file.read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(part)
        kind = record.WhichOneof("record_type")
        run.kinds.add(kind)
        if kind == "run":
            run.run_id, run.project, run.host = (
                record.run.run_id,
                record.run.project,
                record.run.host,
            )
            for item in record.run.config.update:
                run.config[item.key or item.nested_key[0]] = json.loads(item.value_json)
        elif kind == "history":
            run.rows.append(
                {
                    item.key or item.nested_key[0]: json.loads(item.value_json)
                    for item in record.history.item
                }
            )
        elif kind == "summary":
            for item in record.summary.update:
                run.summary[item.key or item.nested_key[0]] = json.loads(item.value_json)
        elif kind == "exit":
            run.exit_code = record.exit.exit_code
        elif kind == "request" and record.request.WhichOneof("request_type") == "log_artifact":
            run.artifact_files |= {
                entry.path for entry in record.request.log_artifact.artifact.manifest.contents
            }
        elif kind == "artifact":
            run.artifact_files |= {entry.path for entry in record.artifact.manifest.contents}
    return run
