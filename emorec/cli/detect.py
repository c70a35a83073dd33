"""The command `emorec detect`."""

import os
from collections import Counter
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from emorec import resources
from emorec.cli._text import one_line
from emorec.errors import DataError, EmorecError, ModelError

_MAX_CV_THREADS = 4
"""More threads cost a short process more to start than a cascade gains from them."""


@click.command(
    epilog="""\b
Examples:
  emorec detect photo.jpg
  emorec detect *.jpg --no-save --json faces.json
"""
)
@click.argument(
    "images", nargs=-1, required=True, metavar="IMAGE...", type=click.Path(path_type=Path)
)
@click.option(
    "--cascade",
    default="alt2",
    show_default=True,
    metavar="NAME|FILE",
    help="Haar cascade: alt2, default (24x24, 25 stages), or an XML file.",
)
@click.option(
    "--scale-factor",
    type=click.FloatRange(1.001, 10),
    default=1.15,
    show_default=True,
    help="Ratio of two neighbouring search sizes; nearer to 1 finds more and is slower.",
)
@click.option(
    "--min-neighbors",
    type=click.IntRange(min=1),
    default=4,
    show_default=True,
    help="Overlapping hits that make a face; more is stricter.",
)
@click.option(
    "--min-size",
    type=click.IntRange(min=1),
    metavar="PIXELS",
    help="Side of the smallest face sought; 1/20 of the shorter side, at least 24, if left out.",
)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    metavar="FILE|RUN",
    help="ONNX file or run folder.  [default: the model that comes with emorec]",
)
@click.option(
    "--classes",
    type=click.Choice([7, 8]),
    default=7,
    show_default=True,
    help="8 reports contempt as well.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="FOLDER",
    help="Where the pictures NAME-emotions.jpg go.  [default: the current folder]",
)
@click.option("--save/--no-save", default=True, show_default=True, help="Write the pictures.")
@click.option(
    "--json",
    "json_target",
    metavar="FILE|-",
    help="Write the results as JSON; - prints them instead of the table.",
)
def detect(
    images: tuple[Path, ...],
    cascade: str,
    scale_factor: float,
    min_neighbors: int,
    min_size: int | None,
    model: Path | None,
    classes: int,
    out: Path,
    save: bool,
    json_target: str | None,
) -> None:
    """Find the faces in each IMAGE and read their emotions.

    Prints a table and writes a picture with the faces marked. No face is a result; an image that
    cannot be read is reported, the others are still done, and the exit code is 1.
    """
    import cv2

    from emorec.cli._stderr import messages_dropped
    from emorec.detection.haar import CASCADES, HaarDetector
    from emorec.files import write_bytes
    from emorec.images import read_bgr, write
    from emorec.inference.classifier import EmotionClassifier
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.media.drawing import annotate
    from emorec.media.records import image_record, to_json

    json_file = _json_file(json_target)
    model_file = _model_file(model)
    targets = _targets(images, out) if save else []
    _check_outputs(
        outputs=[*targets, *([json_file] if json_file else [])],
        inputs=[*images, model_file, *([] if cascade in CASCADES else [Path(cascade)])],
    )
    cv2.setNumThreads(min(cv2.getNumThreads(), _MAX_CV_THREADS))
    detector = HaarDetector(cascade, scale_factor, min_neighbors, min_size)
    classifier = EmotionClassifier(model_file)
    recognizer = EmotionRecognizer(detector, classifier, classes)
    if save:
        _make_folder(out)

    table = None if json_target == "-" else _Table(images, recognizer.labels)
    records: list[dict[str, Any]] = []
    written: list[Path] = []
    failures: list[DataError] = []
    for path, target in zip_longest(images, targets):
        try:
            # libpng and libtiff write about a damaged picture; one line of our own tells it.
            with messages_dropped():
                image_bgr = read_bgr(path)
        except DataError as error:
            _report(error, failures)
            records.append(image_record(str(path), None, []))
            continue
        height, width = image_bgr.shape[:2]
        faces = recognizer.recognize(image_bgr)
        records.append(image_record(str(path), (width, height), faces))
        if table:
            table.show(path, records[-1]["faces"])
        if target:
            try:
                write(target, annotate(image_bgr, faces))
                written.append(target)
            except DataError as error:
                _report(error, failures)
    if table:
        for target in written:
            click.echo(f"wrote {one_line(str(target))}")
    if json_target:
        text = to_json(records, classifier.metadata, recognizer.labels)
        if json_file:
            write_bytes(json_file, text.encode())
        else:
            click.echo(text, nl=False)
    if failures:
        click.get_current_context().exit(EmorecError.exit_code)


def _report(error: DataError, failures: list[DataError]) -> None:
    """Tell of one image's trouble at once, and go on."""
    click.echo(f"error: {one_line(str(error))}", err=True)
    failures.append(error)


class _Table:
    """A table that grows with each image; widths are known beforehand.

    rich would make it prettier, and importing rich takes a fifth of the whole run for one photo.
    """

    def __init__(self, images: Sequence[Path], labels: Sequence[str]) -> None:
        files = max(len(one_line(str(path))) for path in images)
        self._row = f"{{:{files}}}  {{:>4}}  {{:22}}  {{:{max(map(len, labels))}}}  {{:>10}}"
        self._begun = False

    def show(self, path: Path, faces: Sequence[dict[str, Any]]) -> None:
        if not self._begun:
            self._print("file", "face", "box", "emotion", "confidence")
            self._begun = True
        name = one_line(str(path))
        if not faces:
            self._print(name, "-", "no face", "", "")
        for number, face in enumerate(faces, 1):
            x, y, width, height = face["box"]
            box = f"{x},{y} {width}x{height}"
            self._print(name, number, box, one_line(face["emotion"]), f"{face['confidence']:.1%}")

    def _print(self, *cells: object) -> None:
        click.echo(self._row.format(*cells).rstrip())


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"{folder}: cannot make the folder: {error.strerror or error}") from error


def _model_file(model: Path | None) -> Path:
    if model is None:
        return resources.shipped_model()
    if model.suffix == ".keras":
        raise ModelError(f"{model}: detect runs ONNX files; write one with: emorec export {model}")
    return model / "model.onnx" if model.is_dir() else model


def _json_file(target: str | None) -> Path | None:
    if target in (None, "-"):
        return None
    path = Path(target)
    if path.is_dir() or not path.parent.is_dir():
        raise click.UsageError(f"--json: {path} cannot be a file; is its folder there?")
    return path


def _targets(images: Sequence[Path], folder: Path) -> list[Path]:
    """Name a picture for each image; equal names are told apart by a number."""
    targets: list[Path] = []
    uses: Counter[str] = Counter()
    for path in images:
        # Some file systems take names for equal that differ in case alone.
        uses[path.stem.casefold()] += 1
        number = uses[path.stem.casefold()]
        suffix = "" if number == 1 else f"-{number}"
        targets.append(folder / f"{path.stem}-emotions{suffix}.jpg")
    return targets


def _identities(path: Path) -> set[object]:
    """Give what tells whether two paths mean one file: the place and, if it exists, the inode."""
    found: set[object] = {os.path.realpath(path)}
    try:
        status = path.stat()
    except (OSError, ValueError):
        return found
    return found | {(status.st_dev, status.st_ino)}


def _check_outputs(outputs: Sequence[Path], inputs: Sequence[Path]) -> None:
    """Refuse, before any work, to write over an input or over another output."""
    known = {identity: path for path in inputs for identity in _identities(path)}
    for output in outputs:
        for identity in _identities(output):
            if identity in known:
                raise click.UsageError(
                    f"the output {output} would be written over {known[identity]}; "
                    "choose another place with --out or --json, or take --no-save"
                )
            known[identity] = output
