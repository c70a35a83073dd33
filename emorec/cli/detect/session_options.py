"""Options of `emorec detect` for sessions."""

import functools
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.derivation_options import NO_BASELINE, derivation_options
from emorec.cli.parameters import OutputFolder

if TYPE_CHECKING:
    from emorec.cli.detect.results import ResultReporter
    from emorec.cli.detect.session_output import SessionOutput
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.media.sources import MediaSource
    from emorec.outputs.session.session_file import Derivation

_OPTION = click.option(
    "--session",
    "session_folder",
    type=OutputFolder(),
    metavar="FOLDER",
    help="Videos: write a session to this folder: tables of frames, bins and persons, a page with "
    "time lines, and files for ELAN, BORIS and readers of OpenFace's output (docs/sessions.md). "
    "The folder is new, empty or an earlier session, which is replaced.",
)


@dataclass(frozen=True)
class SessionOptions:
    """The options for sessions.

    Attributes:
        folder: Folder of the session; None writes none.
        bin_s: Length of the bins in seconds; None is the default.
        baseline: Begin and end of the baseline in seconds; None for none.
        persons: Assignments of names, VIDEO:ID=NAME.
    """

    folder: Path | None
    bin_s: float | None
    baseline: tuple[float, float] | None
    persons: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.folder is not None:
            return
        given = (("--bin", self.bin_s), ("--baseline", self.baseline), ("--person", self.persons))
        for option, value in given:
            if value:
                raise click.UsageError(f"{option} is for sessions; add --session FOLDER")

    def check(self, sources: Sequence["MediaSource"], outputs: Iterable[Path]) -> None:
        """Check, before any work, that the sources are videos and the settings are valid.

        Args:
            sources: All sources.
            outputs: Files that are written otherwise.

        Raises:
            click.UsageError: A source is an image, or another output is in the folder.
            ConfigError: A setting is out of range, or a name is not assigned to a video.
        """
        if self.folder is None:
            return
        for source in sources:
            if not source.is_video:
                raise click.UsageError(
                    f"--session is for videos, cameras and streams; {source.name} is not one"
                )
        folder = self.folder.resolve()
        for path in outputs:
            if path.resolve().is_relative_to(folder):
                raise click.UsageError(
                    f"{path} is in {self.folder}, the folder of --session; choose another target, "
                    "or add --no-save to write no annotated videos"
                )
        from emorec.outputs.session.derived_files import check_derivation

        check_derivation(self.derivation([source.name for source in sources]))

    def derivation(self, sources: Sequence[str]) -> "Derivation":
        """Convert the options to library settings.

        Args:
            sources: All videos, as the user named them.

        Raises:
            ConfigError: A name is not assigned to a video.
        """
        from emorec.outputs.session.person_names import parse_persons
        from emorec.outputs.session.recorder import session_names
        from emorec.outputs.session.session_file import Derivation

        parsed = parse_persons(self.persons, session_names(sources), sources)
        names = {key: name for key, name in parsed.items() if name}
        default = Derivation()
        bin_s = default.bin_s if self.bin_s is None else self.bin_s
        return Derivation(bin_s, self.baseline, names)

    def output(
        self,
        sources: Sequence["MediaSource"],
        recognizer: "EmotionRecognizer",
        model_file: Path,
        reporter: "ResultReporter",
    ) -> "AbstractContextManager[SessionOutput | None]":
        """Make what records the session, for a `with` block.

        Args:
            sources: All sources.
            recognizer: The recognizer whose results are recorded.
            model_file: The file of its model.
            reporter: Lists the folder at the end.
        """
        if self.folder is None:
            return nullcontext()
        from emorec.cli.detect.session_output import SessionOutput

        names = [source.name for source in sources]
        derivation = self.derivation(names)
        return SessionOutput(self.folder, names, recognizer, model_file, derivation, reporter)


def session_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for sessions to a command; it receives `session`, a `SessionOptions`."""

    @functools.wraps(command)
    def with_session(
        *,
        session_folder: Path | None,
        bin_s: float | None,
        baseline: Any,
        persons: tuple[str, ...],
        **arguments: Any,
    ) -> Any:
        interval = None if baseline == NO_BASELINE else baseline
        options = SessionOptions(session_folder, bin_s, interval, persons)
        return command(session=options, **arguments)

    decorated: Callable[..., Any] = _OPTION(derivation_options(with_session))
    return decorated
