"""Options of `emorec detect` for its outputs, and the checks of their targets."""

import functools
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli import json_output
from emorec.cli.overwriting import refuse_overwriting, require_file_path, require_suffix
from emorec.cli.parameters import Choice, OutputFolder, complete_files
from emorec.outputs.base import STDOUT
from emorec.outputs.formats import FORMATS
from emorec.types import BLURS

if TYPE_CHECKING:
    from emorec.media.sources import MediaSource
    from emorec.outputs.destinations import OutputSettings

_JSON = "json"
"""The format whose options are those of all commands, --json and --json-file."""


def _option(name: str) -> str:
    """Return the option that names the file of a format."""
    return json_output.FILE_OPTION if name == _JSON else f"--{name}"


_OPTIONS = (
    click.option(
        "--save",
        "--out",
        "folder",
        type=OutputFolder(),
        metavar="FOLDER",
        help="Folder of the annotated images NAME-emotions.jpg and videos.  "
        "[default: the current folder, for sources named one by one]",
    ),
    click.option("--no-save", is_flag=True, help="Write no annotated images and videos."),
    click.option(
        "--bars",
        is_flag=True,
        help="Draw the probabilities of all emotions beside each face, where they hide no face and "
        "no label.",
    ),
    click.option(
        "--landmarks",
        is_flag=True,
        help="Draw eyes, nose and mouth corners of each face, as its detector found them.",
    ),
    click.option(
        "--blur",
        type=Choice(list(BLURS)),
        help="Blur all faces found, in annotated images, videos and crops. It does not hide faces "
        "that are missed, nor other signs of who somebody is.",
    ),
    click.option(
        "--crops",
        type=OutputFolder(),
        metavar="FOLDER",
        help="Write the crop of each face to this folder.",
    ),
    *json_output.options(f"{FORMATS[_JSON].help}, beside the table."),
    *(
        click.option(
            f"--{row.name}",
            f"{row.name}_target",
            metavar="FILE|-" if row.prints else "FILE",
            shell_complete=complete_files,
            help=row.help + ("; - prints them instead of the table." if row.prints else "."),
        )
        for row in FORMATS.values()
        if row.name != _JSON
    ),
    click.option(
        "--resume",
        is_flag=True,
        help="Resume an interrupted run from its "
        f"{' or '.join(f'--{row.name}' for row in FORMATS.values() if row.resumes)} file.",
    ),
)


def output_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for outputs to a command; it receives `outputs`, an `OutputSettings`."""

    @functools.wraps(command)
    def with_outputs(
        *,
        folder: Path | None,
        no_save: bool,
        bars: bool,
        landmarks: bool,
        blur: str | None,
        crops: Path | None,
        resume: bool,
        as_json: bool,
        json_file: Path | None,
        **arguments: Any,
    ) -> Any:
        from emorec.outputs.destinations import OutputSettings

        document = json_output.JsonOutput(as_json, json_file)
        others = [name for name in FORMATS if name != _JSON]
        targets = {
            _JSON: STDOUT if document.printed else document.file and str(document.file),
            **{name: arguments.pop(f"{name}_target") for name in others},
        }
        records = {name: target for name, target in targets.items() if target is not None}
        if resume:
            _check_resumable(records)
        if no_save and folder is not None:
            raise click.UsageError("--save (or --out) and --no-save exclude each other")
        _check_targets(records)
        outputs = OutputSettings(
            records,
            folder=folder,
            save=not no_save,
            bars=bars,
            landmarks=landmarks,
            blur=blur,
            crops=crops,
            resume=resume,
        )
        return command(outputs=outputs, **arguments)

    for option in reversed(_OPTIONS):
        with_outputs = option(with_outputs)
    return with_outputs


def _check_resumable(records: dict[str, str]) -> None:
    resumable = [f"--{row.name} FILE" for row in FORMATS.values() if row.resumes]
    needs = f"--resume needs {' or '.join(resumable)} of the interrupted run"
    if not records:
        raise click.UsageError(f"{needs}; none is given")
    for name, target in records.items():
        if not FORMATS[name].resumes or target == STDOUT:
            given = "--json" if (name, target) == (_JSON, STDOUT) else f"{_option(name)} {target}"
            raise click.UsageError(f"{needs}; it does not go with {given}")


def _check_targets(records: dict[str, str]) -> None:
    printed = [name for name, target in records.items() if target == STDOUT]
    for name in printed:
        if not FORMATS[name].prints:
            raise click.UsageError(f"--{name} needs a file; it cannot go to {STDOUT}")
    if len(printed) > 1:
        *names, last = ("--json" if name == _JSON else f"--{name} {STDOUT}" for name in printed)
        raise click.UsageError(
            f"{', '.join(names)} and {last} print to standard output; keep one of them"
        )
    for name, target in records.items():
        if target != STDOUT:
            require_file_path(_option(name), Path(target))


def check_outputs(
    outputs: "OutputSettings",
    sources: Sequence["MediaSource"],
    inputs: Iterable[Path],
    plots: Iterable[Path],
) -> None:
    """Check, before any work, that no output overwrites an input or another output.

    Args:
        outputs: The outputs.
        sources: All sources.
        inputs: Other files that are read.
        plots: Other files that are written.

    Raises:
        click.UsageError: An output does, its suffix belongs to another format, or videos are to be
            resumed.
    """
    if outputs.resume and any(source.is_video for source in sources):
        raise click.UsageError("--resume is for images; a video is always processed as a whole")
    read = chain((Path(source.name) for source in sources), inputs)
    advice = "choose another target, or add --no-save to write no annotated images"
    refuse_overwriting([*outputs.files(sources), *plots], read, advice)
    for name, path in outputs.record_files.items():
        require_suffix(_option(name), path, FORMATS[name].usual_suffixes)
