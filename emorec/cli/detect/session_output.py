"""Records the session of a detection and derives its files at the end."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import click
from click.core import ParameterSource

from emorec.cli.detect.results import progress_over
from emorec.cli.verbosity import note, warn
from emorec.errors import ConfigError, EmorecError
from emorec.media.addresses import shown_name
from emorec.outputs.session.derived_files import write_session_files
from emorec.outputs.session.recorder import SessionRecorder, prepare_folder
from emorec.types import Box

if TYPE_CHECKING:
    from emorec.batch.video_work import VideoFrameResult, VideoRun
    from emorec.cli.detect.results import ResultReporter
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.outputs.session.session_file import Derivation


class SessionOutput:
    """The session of a detection; used in a `with` block.

    Whatever ends the block, Ctrl-C too, the session holds what was analysed.

    Args:
        folder: Its folder.
        sources: All videos, as the user named them.
        recognizer: The recognizer whose results are recorded.
        model_file: The file of its model.
        derivation: How its tables are derived.
        reporter: Lists the folder at the end.
    """

    def __init__(
        self,
        folder: Path,
        sources: Sequence[str],
        recognizer: "EmotionRecognizer",
        model_file: Path,
        derivation: "Derivation",
        reporter: "ResultReporter",
    ) -> None:
        self._folder = folder
        self._reporter = reporter
        self._derivation = derivation
        self._problem: str | None = None
        context = click.get_current_context()
        self._every = int(context.params["every"])
        values = {name: value for name, value in context.params.items() if name != "arguments"}
        self._recorder = SessionRecorder(
            folder,
            sources,
            recognizer,
            model_file,
            list(_command_words(context)),
            {name: _native(value) for name, value in values.items()},
            float(context.params["max_gap"]),
            derivation,
        )

    def __enter__(self) -> Self:
        prepare_folder(self._folder)
        self._recorder.__enter__()
        return self

    def begin_video(self, index: int) -> None:
        """Begin a video.

        Args:
            index: Its place among the sources, from 0.
        """
        self._problem = None
        self._recorder.begin_video(index)

    def add(self, result: "VideoFrameResult", run: "VideoRun") -> None:
        """Record the next frame of a video, or why there is none."""
        tracked = result.tracked
        if tracked is None:
            self._problem = "; ".join(result.problems)
            return
        assert run.fps is not None
        self._recorder.add(tracked.frame, tracked.faces, tracked.detected, run.fps, self._every)

    def end_video(self, run: "VideoRun") -> None:
        """End a video."""
        gaps = () if run.result is None else run.result.record.get("gaps", ())
        self._recorder.end_video(gaps, self._problem)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._recorder.__exit__(kind, error, traceback)
        if kind is not None and issubclass(kind, Exception):
            with suppress(EmorecError):  # the first error is the one to report
                write_session_files(self._folder)
            return
        try:
            with progress_over("writing the session", "frames") as progress:
                written = write_session_files(self._folder, progress=progress)
        except ConfigError as problem:
            # A wrong name must not cost the session.
            write_session_files(self._folder, replace(self._derivation, persons={}))
            self._reporter.add_written(self._folder)
            text = f"{problem}; the session has no names: emorec session assigns them"
            if kind is None:
                raise ConfigError(text) from problem
            warn(text)
            return
        for text in written.notes:
            note(text)
        self._reporter.add_written(self._folder)


def _command_words(context: click.Context) -> Iterator[str]:
    """Yield the words of the command, with the password of no address."""
    yield from context.command_path.split()
    for parameter in context.command.params:
        name = str(parameter.name)
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if not given or name not in context.params:  # -q and the like have no value
            continue
        value = context.params[name]
        if isinstance(parameter, click.Argument):
            yield from map(shown_name, value or ())
        elif isinstance(value, bool):
            yield parameter.opts[-1]
        else:
            for each in value if getattr(parameter, "multiple", False) and value else [value]:
                yield from (parameter.opts[0], _word(each))


def _word(value: Any) -> str:
    if isinstance(value, Box):
        return f"{value.x},{value.y},{value.width},{value.height}"
    if isinstance(value, tuple):
        return "-".join(f"{part:g}" for part in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _native(value: Any) -> Any:
    """Convert the value of an option to native types."""
    if isinstance(value, tuple | list):
        return [_native(part) for part in value]
    return value if isinstance(value, bool | int | float | str | None) else _word(value)
