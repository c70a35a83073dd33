"""The command `emorec detect`."""

import gc
from contextlib import closing, nullcontext
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emorec.cli.detect.detector_options import DetectorOptions, detector_options
from emorec.cli.detect.output_options import check_outputs, output_options
from emorec.cli.detect.session_options import SessionOptions, session_options
from emorec.cli.detect.video_options import VideoOptions, video_options
from emorec.cli.json_output import files_of_run
from emorec.cli.parameters import (
    align_option,
    classes_option,
    complete_files,
    device_option,
    model_file,
    model_option,
    note_flip_without_effect,
    prior_option,
    region,
)
from emorec.cli.verbosity import note
from emorec.errors import DataError, EmorecError
from emorec.file_kinds import left_out_text
from emorec.types import Box

if TYPE_CHECKING:
    from emorec.cli.detect.results import ResultReporter
    from emorec.cli.detect.session_output import SessionOutput
    from emorec.cli.detect.video_display import VideoDisplay
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.outputs.destinations import OutputSettings


@click.command(
    epilog="""\b
Examples:
  emorec detect photo.jpg
  emorec detect *.jpg --no-save --json-file faces.json
  emorec detect photos/ --jsonl faces.jsonl --save marked/
  emorec detect @list.txt --csv faces.csv
  emorec detect photos/ --no-save --jsonl faces.jsonl --resume --workers 4
  emorec detect photos/ --csv faces.csv --ray 10.0.0.1:6379
  cat photo.jpg | emorec detect - --json
  emorec detect crowd.jpg --detector haar --cascade default
  emorec detect face-crops/ --detector none --csv emotions.csv
  emorec detect clip.mp4 --blur pixelate --save hidden/
  emorec detect clip.mp4 --jsonl frames.jsonl --plot faces.png
  emorec detect film.mkv --detect-every 5 --no-save --csv faces.csv
  emorec detect talk.mp4 --no-save --session talk --baseline 0-10s
  emorec detect 0 --show
  emorec detect photos/ --csv faces.csv --device cuda
"""
)
@click.argument(
    "arguments", nargs=-1, required=True, metavar="SOURCE...", shell_complete=complete_files
)
@click.option(
    "--glob",
    "pattern",
    metavar="PATTERN",
    help="Files to process in folders, such as '*.png' or 'day1/*'.  [default: all images]",
)
@click.option(
    "--strict",
    is_flag=True,
    help="Fail, before any work, if a folder holds files that are not read.",
)
@click.option(
    "--roi",
    callback=region,
    metavar="X,Y,W,H",
    help="Detect faces only in this region of each image, in pixels.",
)
@click.option(
    "--max-side",
    type=click.IntRange(min=16),
    metavar="PIXELS",
    help="Downscale larger images to this size before detection; boxes stay in pixels of the full "
    "image.",
)
@detector_options
@model_option(
    "ONNX file, run folder (or the beginning of its name), or a name from emorec models list."
)
@classes_option
@prior_option
@click.option(
    "--flip",
    is_flag=True,
    help="Average the logits of each face and its mirror image, at twice the time of the model.",
)
@device_option
@align_option
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="CONFIDENCE",
    help="Mark faces whose emotion has a lower confidence as uncertain.  [default: off]",
)
@video_options
@output_options
@session_options
@click.option(
    "--workers",
    type=click.IntRange(min=1, max=256),
    default=None,
    metavar="N",
    help="Process images in N processes.  [default: threads of one process]",
)
@click.option(
    "--ray",
    is_flag=False,
    flag_value="local",
    metavar="[ADDRESS]",
    help="Process images on a Ray cluster; without an address, one is started on this machine. "
    "Place it after the sources; needs the extra ray.",
)
def detect(
    arguments: tuple[str, ...],
    pattern: str | None,
    strict: bool,
    roi: Box | None,
    max_side: int | None,
    choice: DetectorOptions,
    model: Path | None,
    classes: int,
    prior: float | None,
    flip: bool,
    device: str,
    align: str,
    min_confidence: float,
    videos: VideoOptions,
    outputs: "OutputSettings",
    session: SessionOptions,
    workers: int | None,
    ray: str | None,
) -> None:
    """Detect the faces in each SOURCE and classify their emotions.

    A SOURCE is an image, a video, a folder with all images below it, @list.txt (a file of paths,
    one a line), the number of a camera, the address of a stream (rtsp, http) or - (an image on
    standard input). Prints a table of faces, or a summary of each video, and writes annotated
    images and videos. An image without a face is not an error. A source that cannot be read is
    reported, the others are still processed, and the exit code is 1.
    """
    # What imports make is no garbage; looking for some takes a twentieth of a run on one photo.
    gc.disable()
    try:
        from emorec.background import BackgroundCall
        from emorec.batch.detect_job import DetectJob, RecognizerSettings

        path = model_file(model, ("onnx",))
        recognition = RecognizerSettings(
            choice.build,
            path,
            prior=prior,
            classes=classes,
            roi=roi,
            min_confidence=min_confidence,
            device=device,
            flip=flip,
            align=align,
        )
        # ONNX Runtime and the model are loaded while the other modules and the detector are.
        classifier = BackgroundCall(recognition.open_classifier)

        from emorec.batch.process_images import connected, process_images
        from emorec.cli.detect.results import ResultReporter, note_escaped_labels
        from emorec.cli.native_messages import native_messages_dropped
        from emorec.interrupts import deliver_pending_interrupt, hold_interrupts
        from emorec.media.sources import STDIN, expand, is_list
        from emorec.metadata import calibration_problem
    finally:
        gc.enable()

    left_out: list[str] = []
    sources = list(expand(arguments, pattern, left_out))
    if strict and left_out:
        raise DataError(f"--strict: {left_out_text(left_out)}; move these files, or use --glob")
    lists = [Path(argument[1:]) for argument in arguments if is_list(argument)]
    inputs = [path, *files_of_run(path), *choice.inputs(), *lists]
    check_outputs(outputs, sources, inputs, videos.plots(sources))
    videos.check(sources)
    choice.require_landmarks({"--landmarks": outputs.landmarks, "--align on": align == "on"})
    session.check(sources, [*outputs.files(sources), *videos.plots(sources)])
    if (workers or ray) and any(source.name == STDIN for source in sources):
        raise click.UsageError("- (standard input) does not go with --workers or --ray")
    recognizer = recognition.open(classifier.result)
    if flip and not recognizer.classifier.flip:
        note_flip_without_effect(path)
    if problem := calibration_problem(recognizer.metadata.calibration_images):
        note(f"{path}: {problem}")
    if outputs.draws(sources) or videos.show or videos.plot:
        note_escaped_labels(recognizer.labels)
    if not ray:  # the processes of this machine need not choose again
        recognition = replace(recognition, device=recognizer.classifier.device)
    image_outputs = outputs.image_outputs(
        sources, recognizer.metadata.crop_margin, recognizer.aligned
    )
    job = DetectJob(recognition, image_outputs, max_side)
    with (
        # Ray has signal handlers of its own, and blocks where signals cannot be let through.
        nullcontext() if ray else hold_interrupts(),
        native_messages_dropped(),
        # Before any output is opened: a wrong address or a missing package must not cost one.
        connected(ray, workers),
        ResultReporter(outputs, sources, recognizer, left_out) as reporter,
        session.output(sources, recognizer, path, reporter) as session_output,
    ):
        display: VideoDisplay | None = None
        for are_videos, group in groupby(reporter.remaining, key=lambda source: source.is_video):
            if are_videos:
                if display is None:
                    for_videos = recognizer.with_detector(choice.build(for_video=True))
                    display = _video_display(
                        for_videos, max_side, videos, outputs, reporter, session_output
                    )
                display.process(group)
                continue
            images = list(group)
            results = process_images(job, images, recognizer, workers=workers, ray=ray)
            # Closed at once: the traceback of an interrupt would keep threads and processes alive.
            with reporter.images(len(images)), closing(results):
                for result in results:
                    reporter.add(result)
                    deliver_pending_interrupt()
    if reporter.failed:
        click.get_current_context().exit(EmorecError.exit_code)


def _video_display(
    recognizer: "EmotionRecognizer",
    max_side: int | None,
    videos: VideoOptions,
    outputs: "OutputSettings",
    reporter: "ResultReporter",
    session: "SessionOutput | None",
) -> "VideoDisplay":
    """Make the display of videos, whose imports are not needed for images."""
    from emorec.batch.video_work import VideoWork
    from emorec.cli.detect.video_display import VideoDisplay

    settings = videos.settings(max_side, outputs.bars, outputs.landmarks, outputs.blur)
    crops = outputs.crop_outputs(recognizer.metadata.crop_margin, recognizer.aligned)
    work = VideoWork(recognizer, settings, crops)
    return VideoDisplay(work, videos, outputs, reporter, session)
