"""Derives all files of a session from frames.csv and session.json, in constant memory."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from emorec.atomic_files import replace_path, temporary_file
from emorec.errors import ConfigError, DataError
from emorec.outputs.session import codebook, parquet_table, session_file
from emorec.outputs.session.bin_table import BinTable, check_bin
from emorec.outputs.session.boris_events import BorisEvents
from emorec.outputs.session.elan_file import write_elan
from emorec.outputs.session.frame_table import (
    SessionFrame,
    csv_line,
    frame_lines,
    read_frames,
)
from emorec.outputs.session.openface_table import OpenFaceTable
from emorec.outputs.session.page_data import TimeGrid
from emorec.outputs.session.people_table import PeopleTable
from emorec.outputs.session.person_names import check_persons, default_person
from emorec.outputs.session.session_columns import (
    BINS,
    EVENTS,
    FRAMES,
    OPENFACE,
    PEOPLE,
    header,
)
from emorec.outputs.session.session_file import Derivation, Session, read_session
from emorec.outputs.session.session_page import render_page
from emorec.outputs.session.stretches import Stretch, Stretches
from emorec.outputs.session.survey import Survey, survey

PAGE = "session.html"

_SHOWN_NAMES = 10

_REPORTED_FRAMES = 200
"""Frames between two reports of the progress."""


@dataclass(frozen=True)
class SessionFiles:
    """What was written.

    Attributes:
        session: The session, with the derivation of the files.
        paths: The files.
        people: The rows of people.csv: values by the name of the column.
        notes: What a user may not expect, such as persons without a baseline.
    """

    session: Session
    paths: tuple[Path, ...]
    people: tuple[dict[str, object], ...]
    notes: tuple[str, ...]


def check_derivation(derivation: Derivation) -> None:
    """Check the length of the bins and the baseline.

    Raises:
        ConfigError: One is out of range.
    """
    check_bin(derivation.bin_s)
    if derivation.baseline_s is not None:
        begin, end = derivation.baseline_s
        if not 0 <= begin < end:
            raise ConfigError(
                f"a baseline begins at 0 s or later and ends later; received {begin:g} to {end:g} s"
            )


def write_session_files(
    folder: Path,
    derivation: Derivation | None = None,
    destination: Path | None = None,
    hidden: Collection[tuple[str, int]] = (),
    progress: Callable[[int, int], object] | None = None,
) -> SessionFiles:
    """Write all files of a session from its frames.csv and session.json.

    They appear together, once all are complete; frames.csv is written again where names of persons
    have changed. It takes two passes over the frames.

    Args:
        folder: Folder of the session.
        derivation: Bins, baseline and names; None takes those of session.json.
        destination: Existing folder to write to; None is the folder itself.
        hidden: Tracked faces to leave out, by the name of the video and their number; only with
            another destination, because the folder would lose them.
        progress: Receives the number of frames written, and of all.

    Raises:
        ConfigError: A setting is out of range, or a name belongs to no face or to two at once.
        DataError: The session cannot be read or is being written, or a file cannot be written.
    """
    if hidden and destination is None:
        raise ConfigError("hidden persons can only be left out of another folder")
    read_session(folder)  # what is no session gets no lock
    with ExitStack() as stack:
        if destination is None:
            stack.enter_context(session_file.session_locked(folder))
        session = read_session(folder)
        derivation = session.derivation if derivation is None else derivation
        check_derivation(derivation)
        kept = {key: name for key, name in derivation.persons.items() if key not in set(hidden)}
        session = session.replaced(derivation=replace(derivation, persons=kept))
        if session.status == session_file.RUNNING:  # its run was killed
            session = session.replaced(status=session_file.INTERRUPTED)
        return _write_locked(folder, session, destination, frozenset(hidden), progress)


def _write_locked(
    folder: Path,
    session: Session,
    destination: Path | None,
    hidden: frozenset[tuple[str, int]],
    progress: Callable[[int, int], object] | None,
) -> SessionFiles:
    """Write the files of a session, which no other process writes to; see above."""
    earlier, derivation = session.files, session.derivation
    kept = derivation.persons
    frames = _Frames(folder / FRAMES, session, hidden)
    found = survey(frames, kept, derivation.baseline_s)
    check_persons(kept, found.ids)
    target = folder if destination is None else destination
    rewritten = destination is not None or frames.changed
    try:
        with ExitStack() as stack:
            files = _NewFiles(target, stack)
            people = _write_all(session, frames, found, files, target, rewritten, progress)
            names = [*files.names, *(() if rewritten else (FRAMES,))]
            session = session.replaced(files=tuple(sorted(names)))
            files.publish()
            session.write(target)
        for name in set(earlier) - set(names) if destination is None else ():
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise DataError(f"{target}: cannot write: {error.strerror or error}") from error
    notes = _notes(session, found)
    paths = tuple(target / name for name in (*session.files, session_file.NAME))
    return SessionFiles(session, paths, people, tuple(notes))


class _Frames:
    """The frames of a session with the names of the persons; each iteration reads them again.

    Attributes:
        changed: Whether frames.csv has other names, or a torn last line.
    """

    def __init__(self, path: Path, session: Session, hidden: frozenset[tuple[str, int]]) -> None:
        self.changed = _is_torn(path)
        self._path = path
        self._session = session
        self._hidden = hidden

    def __iter__(self) -> Iterator[SessionFrame]:
        names = self._session.derivation.persons
        known = {video.name for video in self._session.videos}
        for frame in read_frames(self._path, self._session.labels):
            if frame.video not in known:
                raise DataError(f"{self._path}: {frame.video!r} is not in {session_file.NAME}")
            if self._hidden:
                faces = frame.faces
                frame.faces = [f for f in faces if (frame.video, f.id) not in self._hidden]
            for face in frame.faces:
                name = names.get((frame.video, face.id)) or default_person(frame.video, face.id)
                if face.person != name:
                    face.person, self.changed = name, True
            yield frame


class _NewFiles:
    """Files that are being written under temporary names.

    Attributes:
        names: Their names.
    """

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.names: list[str] = []
        self._folder = folder
        self._stack = stack
        self._texts = ExitStack()
        stack.enter_context(self._texts)
        self._partials: list[Path] = []

    def path(self, name: str) -> Path:
        """Return the temporary path of a file."""
        partial = self._stack.enter_context(temporary_file(self._folder / name))
        self.names.append(name)
        self._partials.append(partial)
        return partial

    def text(self, name: str) -> Callable[[str], object]:
        """Open a text file and return what writes to it."""
        path = self.path(name)
        return self._texts.enter_context(path.open("w", encoding="utf-8", newline="")).write

    def publish(self) -> None:
        """Give all files their names."""
        self._texts.close()
        for partial, name in zip(self._partials, self.names, strict=True):
            replace_path(partial, self._folder / name)


def _write_all(
    session: Session,
    frames: _Frames,
    found: Survey,
    files: _NewFiles,
    target: Path,
    rewritten: bool,
    progress: Callable[[int, int], object] | None,
) -> tuple[dict[str, object], ...]:
    """Write all files, the second pass over the frames; return the rows of people.csv."""
    labels, derivation = session.labels, session.derivation
    baseline = derivation.baseline_s is not None
    write_frame = files.text(FRAMES) if rewritten else None
    if write_frame is not None:
        write_frame(csv_line(header(FRAMES, labels)))
    parquet = None
    if parquet_table.is_installed():
        parquet = parquet_table.ParquetTable(files.path(parquet_table.NAME), labels)
    bins = BinTable(files.text(BINS), labels, found, derivation.bin_s, baseline)
    people = PeopleTable(labels, found, baseline)
    events = BorisEvents(files.text(EVENTS), session, found)
    grid = TimeGrid(session, found)
    ended: dict[str, list[Stretch]] = {}

    def end(stretch: Stretch) -> None:
        events.end(stretch)
        ended.setdefault(stretch.video, []).append(stretch)

    stretches = Stretches(events.begin, end)
    several = len(session.videos) > 1
    openface = {
        video.name: OpenFaceTable(
            files.text(f"{video.name}.{OPENFACE}" if several else OPENFACE), labels
        )
        for video in session.videos
    }
    total = sum(video.frames for video in found.videos.values())
    # A session that is still being recorded has more by now.
    for number, frame in enumerate(islice(frames, total), 1):
        if progress is not None and number % _REPORTED_FRAMES == 0:
            progress(number, total)
        if write_frame is not None:
            write_frame(frame_lines(frame, labels))
        for table in (parquet, bins, people, stretches, grid, openface[frame.video]):
            if table is not None:
                table.add(frame)
    bins.finish()
    stretches.finish()
    if parquet is not None:
        parquet.close()
    for video in session.videos:
        name = f"{video.name}.eaf" if several else "session.eaf"
        write_elan(files.path(name), video, ended.get(video.name, ()), target)
    files.text(PEOPLE)(people.text())
    files.text(codebook.NAME)(codebook.render_codebook(session))
    rows = people.rows()
    files.text(PAGE)(render_page(session, grid, rows, target))
    return tuple(rows)


def _notes(session: Session, found: Survey) -> Iterator[str]:
    if session.derivation.baseline_s is None:
        return
    missing = [
        f"{person} ({video})"
        for (video, person), seen in found.people.items()
        if not seen.baseline_seen_s
    ]
    if missing:
        more = f" and {len(missing) - _SHOWN_NAMES} more" if len(missing) > _SHOWN_NAMES else ""
        yield (
            "not seen in the baseline, so without differences: "
            f"{', '.join(missing[:_SHOWN_NAMES])}{more}"
        )


def _is_torn(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(size - 1, 0))
            return file.read(1) != b"\n"
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
