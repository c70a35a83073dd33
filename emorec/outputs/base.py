"""Defines the contract of a record format: its writer, and what the format supports."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from emorec.outputs.records import Record
from emorec.outputs.source_groups import SourceGroup

if TYPE_CHECKING:
    from emorec.metadata import ModelMetadata

STDOUT = "-"
"""Target that means standard output."""


class RecordWriter(AbstractContextManager["RecordWriter"], Protocol):
    """Writes records in the order in which they are added; used in a `with` block.

    A file is complete after the block, also where Ctrl-C or an exception ends it early.

    Attributes:
        note: What a user may not expect of the file, such as an earlier schema; None if nothing.
    """

    note: str | None

    def add(self, record: Record) -> None:
        """Write the record of one image or frame.

        Raises:
            DataError: It cannot be written.
        """
        ...

    def add_video(self, summary: Record) -> None:
        """Write the summary of a video, after its frames; formats without a place for it skip it.

        Raises:
            DataError: It cannot be written.
        """
        ...

    def add_left_out(self, counts: Mapping[str, int]) -> None:
        """Write how many files of folders were not read; formats without a place for it skip it.

        Args:
            counts: Number of files by kind, as `emorec.file_kinds.count_kinds` returns it.
        """
        ...


class ReportingModel(Protocol):
    """The model that the records come from; an `EmotionRecognizer` is one."""

    @property
    def labels(self) -> Sequence[str]:
        """The emotions reported, in order."""
        ...

    @property
    def metadata(self) -> "ModelMetadata":
        """Name and version of the model."""
        ...

    @property
    def settings(self) -> Mapping[str, str]:
        """What else produced the records: the `detector` and the `device`, by name."""
        ...


@dataclass(frozen=True)
class RecordFormat:
    """One format of records.

    Attributes:
        name: Name of the format and, after "--", of its option.
        help: What its option does, for `emorec detect --help`; without a full stop.
        make_writer: Makes a writer from the target (a file, or "-" where the format prints), the
            model, and whether to append to an existing file.
        prints: Whether it can be written to standard output.
        suffixes: Suffixes of its files, the usual one first; empty for that of its name.
        read_groups: Yields what an interrupted run has written to a file, for reported labels;
            None where a run cannot be resumed from the format. A missing file has no groups.
    """

    name: str
    help: str
    make_writer: Callable[[str, ReportingModel, bool], RecordWriter]
    prints: bool = True
    suffixes: tuple[str, ...] = ()
    read_groups: Callable[[Path, Sequence[str]], Iterator[SourceGroup]] | None = None

    @property
    def usual_suffixes(self) -> tuple[str, ...]:
        """Suffixes of its files, the usual one first."""
        return self.suffixes or (f".{self.name}",)

    @property
    def resumes(self) -> bool:
        """Whether an interrupted run can be resumed from a file of this format."""
        return self.read_groups is not None
