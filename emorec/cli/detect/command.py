"""The command `emorec detect`: options, and what is printed."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from emorec.cli.detect.detector_options import DetectorOptions, detector_options
from emorec.cli.detect.output_options import OutputOptions, Outputs
from emorec.cli.detect.video_options import VideoOptions, VideoRuns, video_options
from emorec.cli.parameters import prior_option, region
from emorec.errors import EmorecError, ModelError
from emorec.types import Box

if TYPE_CHECKING:
    from emorec.batch.detect_job import DetectJob
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.media.sources import MediaSource
    from emorec.outputs.records import ImageResult

_MAX_CV_THREADS = 4
"""More threads cost a short process more to start than a cascade gains from them."""


@click.command(
    epilog="""\b
Examples:
  emorec detect photo.jpg
  emorec detect *.jpg --no-save --json faces.json
  emorec detect photos/ --jsonl faces.jsonl --save marked/
  emorec detect @list.txt --csv faces.csv
  emorec detect photos/ --no-save --jsonl faces.jsonl --resume --workers 4
  emorec detect photos/ --csv faces.csv --ray 10.0.0.1:6379
  cat photo.jpg | emorec detect - --json -
  emorec detect crowd.jpg --detector yunet
  emorec detect face-crops/ --detector none --csv emotions.csv
  emorec detect clip.mp4 --jsonl frames.jsonl --plot faces.png
  emorec detect film.mkv --detect-every 5 --no-save --csv faces.csv
  emorec detect 0 --show
"""
)
@click.argument("arguments", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--glob",
    "pattern",
    metavar="PATTERN",
    help="What to take from folders, such as '*.png' or 'day1/*'.  [default: all pictures]",
)
@click.option(
    "--roi",
    callback=region,
    metavar="X,Y,W,H",
    help="Seek faces only in this part of each picture, in pixels.",
)
@click.option(
    "--max-side",
    type=click.IntRange(min=16),
    metavar="PIXELS",
    help="Look at larger pictures shrunk to this; boxes stay in pixels of the full picture.",
)
@detector_options
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
@prior_option
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    default=0.0,
    metavar="SHARE",
    help="Mark faces whose emotion is less probable than this as uncertain.  [default: off]",
)
@video_options
@click.option(
    "--save",
    "--out",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Where the marked pictures NAME-emotions.jpg and videos go.  "
    "[default: the current folder, for files named one by one]",
)
@click.option("--no-save", is_flag=True, help="Write no marked pictures and videos.")
@click.option(
    "--bars",
    is_flag=True,
    help="Draw the probabilities of all emotions beside each face, where there is room.",
)
@click.option(
    "--crops",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write each face as a picture of its own.",
)
@click.option(
    "--json",
    "json_target",
    metavar="FILE|-",
    help="Write the results as one JSON document; - prints them instead of the table.",
)
@click.option(
    "--jsonl", "jsonl_target", metavar="FILE|-", help="Write JSON, one picture a line, as it runs."
)
@click.option(
    "--csv", "csv_target", metavar="FILE|-", help="Write CSV, one face a line, as it runs."
)
@click.option(
    "--resume",
    is_flag=True,
    help="Go on where a killed run stopped, by what its --jsonl or --csv holds.",
)
@click.option(
    "--workers",
    type=click.IntRange(min=1, max=256),
    default=None,
    metavar="N",
    help="Share the pictures among processes.  [default: threads of one process]",
)
@click.option(
    "--ray",
    is_flag=False,
    flag_value="local",
    metavar="[ADDRESS]",
    help="Share the pictures among the machines of a Ray cluster; without an address, one is "
    "started here. Stands after the sources. Needs: pip install 'emorec[ray]'",
)
def detect(
    arguments: tuple[str, ...],
    pattern: str | None,
    roi: Box | None,
    max_side: int | None,
    choice: DetectorOptions,
    model: Path | None,
    classes: int,
    prior: float | None,
    min_confidence: float,
    videos: VideoOptions,
    folder: Path | None,
    no_save: bool,
    bars: bool,
    crops: Path | None,
    json_target: str | None,
    jsonl_target: str | None,
    csv_target: str | None,
    resume: bool,
    workers: int | None,
    ray: str | None,
) -> None:
    """Find the faces in each SOURCE and read their emotions.

    A SOURCE is a picture, a video, a folder with all pictures below it, @list.txt (a file of paths,
    one a line), the number of a camera, the address of a stream (rtsp, http) or - (a picture on
    standard input). Prints a table, or a summary of each face of a video, and writes pictures and
    videos with the faces marked. No face is a result; what cannot be read is reported, the others
    are still done, and the exit code is 1.
    """
    from emorec.batch.detect_job import DetectJob, RecognizerSettings
    from emorec.cli.native_messages import native_messages_dropped
    from emorec.interrupts import deliver_pending_interrupt, hold_interrupts
    from emorec.media.sources import STDIN, expand, is_list

    targets = OutputOptions(
        folder, no_save, crops, json_target, jsonl_target, csv_target, resume, bars
    )
    model_file = _model_file(model)
    sources = list(expand(arguments, pattern))
    inputs = [model_file, *choice.inputs()]
    inputs += [Path(a[1:]) for a in arguments if is_list(a)]
    targets.check(sources, inputs, videos.plots(sources))
    videos.check(sources)
    if (workers or ray) and any(source.name == STDIN for source in sources):
        raise click.UsageError("- (standard input) cannot be shared by --workers or --ray")
    recognition = RecognizerSettings(choice.build, model_file, prior, classes, roi, min_confidence)
    recognizer = recognition.open()
    job = DetectJob(recognition, targets.pictures(sources, recognizer), max_side)
    with (
        # Ray has handlers of its own, and waits where signals cannot be let through.
        nullcontext() if ray else hold_interrupts(),
        native_messages_dropped(),
        _cluster(ray, workers),
        Outputs(targets, sources, recognizer) as outputs,
    ):
        runs: VideoRuns | None = None
        for are_videos, group in groupby(outputs.left, key=lambda source: source.is_video):
            if are_videos:
                if runs is None:
                    of_videos = recognizer.with_detector(choice.build(for_video=True))
                    runs = VideoRuns(of_videos, targets, videos, outputs, max_side)
                runs.run(group)
                continue
            for done in _looked_at(job, recognizer, list(group), workers, ray):
                outputs.add(done)
                deliver_pending_interrupt()
    if outputs.failed:
        click.get_current_context().exit(EmorecError.exit_code)


def _cluster(ray: str | None, workers: int | None) -> AbstractContextManager[None]:
    """Connect before any output is opened: a wrong address or a missing package costs nothing."""
    if ray is None:
        return nullcontext()
    from emorec.batch.ray_cluster import cluster

    return cluster(ray, workers)


def _looked_at(
    job: "DetectJob",
    recognizer: "EmotionRecognizer",
    sources: Sequence["MediaSource"],
    workers: int | None,
    ray: str | None,
) -> Iterator["ImageResult"]:
    """Choose how: what a single picture does not need is not imported for it."""
    import cv2

    from emorec.batch.image_work import ImageWork, process_serially

    if ray:
        from emorec.batch.ray_cluster import process_on_ray

        return process_on_ray(job, sources, workers)
    if workers:
        from emorec.batch.processes import process_in_workers

        return process_in_workers(job, sources, workers)
    work = ImageWork(recognizer, job.outputs, job.max_side)
    if len(sources) > 1:
        from emorec.batch.threaded import process_threaded

        cv2.setNumThreads(1)  # the pictures side by side keep the cores busy
        return process_threaded(work, sources)
    cv2.setNumThreads(min(cv2.getNumThreads(), _MAX_CV_THREADS))
    return process_serially(work, sources)


def _model_file(model: Path | None) -> Path:
    if model is None:
        from emorec import resources

        return resources.shipped_model()
    if model.suffix == ".keras":
        raise ModelError(f"{model}: detect runs ONNX files; write one with: emorec export {model}")
    return model / "model.onnx" if model.is_dir() else model
