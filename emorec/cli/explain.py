"""The command `emorec explain`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from emorec.cli.detect.detector_options import DetectorOptions, detector_options
from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.overwriting import refuse_overwriting
from emorec.cli.parameters import (
    Choice,
    OutputFolder,
    align_option,
    classes_option,
    complete_files,
    device_option,
    model_file,
    model_option,
    refuse_device_of_keras,
)
from emorec.cli.verbosity import note, warn
from emorec.errors import DataError, EmorecError
from emorec.file_kinds import left_out_text

if TYPE_CHECKING:
    from emorec.cli.explanation_report import ExplanationReport
    from emorec.evaluation.explain import Explanation
    from emorec.frames import Frame
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.media.sources import MediaSource

_METHODS = ("occlusion", "grad-cam")
_ENDING = "-explained.png"


@click.command(
    epilog="""\b
Examples:
  emorec explain photo.jpg
  emorec explain photo.jpg --emotion sad
  emorec explain group.jpg --face 2 --face 5 --out explained/
  emorec explain photo.jpg --model runs/20260101-120000-compact --method grad-cam
  emorec explain photo.jpg --json-file heat.json
"""
)
@click.argument(
    "arguments", nargs=-1, required=True, metavar="IMAGE...", shell_complete=complete_files
)
@click.option(
    "--emotion",
    metavar="EMOTION",
    help="Emotion to explain.  [default: the most probable one of each face]",
)
@click.option(
    "--face",
    "numbers",
    type=click.IntRange(min=1),
    multiple=True,
    metavar="N",
    help="Number of a face to explain, as in the table of emorec detect; can be repeated.  "
    "[default: the 10 largest faces]",
)
@click.option(
    "--method",
    type=Choice(_METHODS, {"gradcam": "grad-cam"}),
    help="occlusion covers one part of the face after another; grad-cam uses the gradients of a "
    ".keras file.  [default: grad-cam for a .keras file, else occlusion]",
)
@click.option(
    "--patch",
    type=click.FloatRange(0.05, 0.5),
    default=0.25,
    show_default=True,
    metavar="FRACTION",
    help="Side of the patch of occlusion, as a fraction of the side of the face crop.",
)
@detector_options
@model_option(
    "ONNX or .keras file, run folder (or the beginning of its name), or a name from emorec models "
    "list."
)
@classes_option
@device_option
@align_option
@click.option(
    "--out",
    "folder",
    type=OutputFolder(),
    metavar="FOLDER",
    help="Folder of the figures NAME-explained.png.  [default: the current folder, for images "
    "named one by one]",
)
@json_options
def explain(
    arguments: tuple[str, ...],
    emotion: str | None,
    numbers: tuple[int, ...],
    method: str | None,
    patch: float,
    choice: DetectorOptions,
    model: Path | None,
    classes: int,
    device: str,
    align: str,
    folder: Path | None,
    json_output: JsonOutput,
) -> None:
    """Show which parts of the faces in each IMAGE decide about their emotion.

    An IMAGE is a file, a folder with all images below it, @list.txt (a file of paths, one a line)
    or - (an image on standard input). Prints a table of faces, and writes a figure of each image:
    the heat is the loss of the emotion where the face is covered, or Grad-CAM. The heat shows the
    sensitivity of the model, not why a person has an expression; docs/explain.md says more. An
    image that cannot be read is reported, the others are still explained, and the exit code is 1.
    """
    from emorec.cli.detect.results import note_escaped_labels
    from emorec.cli.explanation_report import ExplanationReport
    from emorec.media.sources import expand

    left_out: list[str] = []
    sources = list(expand(arguments, None, left_out))
    targets = _targets(sources, folder)
    choice.require_landmarks({"--align on": align == "on"})
    formats = ("keras", "onnx") if method == "grad-cam" else ("onnx", "keras")
    path = model_file(model, formats)
    inputs = [path, *choice.inputs(), *(Path(source.name) for source in sources)]
    refuse_overwriting(targets, inputs, "choose another folder with --out")
    json_output.check(files=[*targets, *inputs], models=[path])
    recognizer = _recognizer(path, choice, classes, align, device)

    from emorec.evaluation.explain import OCCLUSION, chosen_method, require_emotion

    method = chosen_method(recognizer, method)
    context = click.get_current_context()
    if method != OCCLUSION and context.get_parameter_source("patch") is ParameterSource.COMMANDLINE:
        raise click.UsageError(f"--patch is for {OCCLUSION}; the method is {method}")
    if emotion is not None:
        require_emotion(recognizer, emotion)
    note_escaped_labels(recognizer.labels)
    report = ExplanationReport(
        recognizer, [source.name for source in sources], shows_table=not json_output.printed
    )
    for source, target in zip(sources, targets, strict=True):
        _explain_image(
            source,
            target,
            recognizer,
            report,
            numbers,
            emotion=emotion,
            method=method,
            patch=patch,
        )
    if left_out:
        warn(left_out_text(left_out))
    if not json_output.write(report.document(method, patch)):
        report.list_figures()
    if report.failed:
        context.exit(EmorecError.exit_code)


def _targets(sources: Sequence["MediaSource"], folder: Path | None) -> list[Path]:
    """Return the figure of each source.

    Raises:
        click.UsageError: A source is a video, or there are many and no folder is named.
    """
    for source in sources:
        if source.is_video:
            raise click.UsageError(
                f"{source.name}: a video, camera or stream; explain reads images"
            )
    # As of `emorec detect`: a folder of thousands must not fill the current one.
    if folder is None and any(source.listed for source in sources):
        raise click.UsageError("name the folder of the figures with --out FOLDER")
    return [(folder or Path()) / source.output_name(_ENDING) for source in sources]


def _recognizer(
    path: Path, choice: DetectorOptions, classes: int, align: str, device: str
) -> "EmotionRecognizer":
    from emorec.inference.base import CropClassifier
    from emorec.inference.recognizer import EmotionRecognizer

    classifier: CropClassifier
    if path.suffix == ".keras":
        refuse_device_of_keras()
        from emorec.cli.keras_backend import load_keras

        load_keras()
        from emorec.evaluation.keras_classifier import KerasClassifier

        classifier = KerasClassifier(path)
    else:
        from emorec.inference.classifier import EmotionClassifier

        classifier = EmotionClassifier(path, device=device)
    return EmotionRecognizer(choice.build(), classifier, classes=classes, align=align)


def _explain_image(
    source: "MediaSource",
    target: Path,
    recognizer: "EmotionRecognizer",
    report: "ExplanationReport",
    numbers: Sequence[int],
    **settings: Any,
) -> None:
    """Explain the faces of an image, write their figure and report both.

    Args:
        source: The image.
        target: The figure.
        recognizer: Detector and model.
        report: Receives the result.
        numbers: Numbers of the faces to explain; empty for the largest ones.
        settings: As for `explain_faces`.
    """
    from emorec.cli.detect.results import progress_over
    from emorec.cli.native_messages import native_messages_dropped
    from emorec.evaluation.explain import MAX_FACES, explain_faces
    from emorec.media.addresses import shown_name
    from emorec.media.reading import read_frames

    name = shown_name(source.name)
    try:
        with native_messages_dropped():
            content = read_frames(source)
    except DataError as error:
        report.add_unreadable(name, str(error))
        return
    for text in content.notes:
        warn(text)
    if len(content.frames) > 1:
        note(f"{name}: an animation; its first frame is explained")
    frame = content.frames[0]
    faces = recognizer.recognize_frame(frame)
    chosen = None
    if numbers:
        chosen = [number - 1 for number in numbers if number <= len(faces)]
        for number in numbers:
            if number > len(faces):
                report.add_problem(f"{name}: no face {number}; faces found: {len(faces)}")
    elif len(faces) > MAX_FACES:
        note(
            f"{name}: the {MAX_FACES} largest of {len(faces)} faces are explained; --face N "
            "chooses another"
        )
    with progress_over("explaining faces", "patches") as update:
        found = explain_faces(frame, faces, recognizer, chosen=chosen, progress=update, **settings)
    figure = None
    if found:
        figure = _write_figure(frame, found, target, report, numbered=len(faces) > 1)
    report.add(name, frame, faces, found, figure)


def _write_figure(
    frame: "Frame",
    found: "Mapping[int, Explanation]",
    target: Path,
    report: "ExplanationReport",
    numbered: bool,
) -> Path | None:
    """Write the figure of an image; None if it cannot be written, which is reported."""
    from emorec.evaluation.heat_drawing import draw_figure
    from emorec.images import write_image
    from emorec.outputs.marked_images import make_folder

    numbers = [index + 1 for index in found] if numbered else None
    try:
        make_folder(target.parent)
        write_image(target, draw_figure(frame, list(found.values()), numbers))
    except DataError as error:
        report.add_problem(str(error))
        return None
    return target
