"""The options that choose a face detector, for every command that finds faces."""

import functools
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

if TYPE_CHECKING:
    from emorec.detection.base import FaceDetector

_OF = {
    "detector_model": ("yunet",),
    "cascade": ("haar",),
    "scale_factor": ("haar",),
    "min_neighbors": ("haar",),
    "profile": ("haar",),
    "min_size": ("haar", "yunet"),
    "min_score": ("haar", "yunet"),
}
"""The detectors that an option means something to."""

_OPTIONS = (
    click.option(
        "--detector",
        type=click.Choice(["haar", "yunet", "none"]),
        default="haar",
        show_default=True,
        help="haar: a Viola-Jones cascade. yunet: a small network, which finds more and is faster "
        "(first: emorec models pull yunet). none: each picture is a face.",
    ),
    click.option(
        "--detector-model",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="ONNX file of yunet.  [default: what emorec models pull yunet fetched]",
    ),
    click.option(
        "--cascade",
        default="alt",
        show_default=True,
        metavar="NAME|FILE",
        help="Haar cascade: alt, alt2, default (24x24, 25 stages), or an XML file.",
    ),
    click.option(
        "--scale-factor",
        type=click.FloatRange(1.001, 10),
        default=1.15,
        show_default=True,
        help="haar: ratio of two neighbouring search sizes; nearer to 1 finds more and is slower.",
    ),
    click.option(
        "--min-neighbors",
        type=click.IntRange(min=1),
        default=2,
        show_default=True,
        help="haar: overlapping hits that make a face; more is stricter.",
    ),
    click.option(
        "--profile", is_flag=True, help="haar: find faces seen from the side too, in triple time."
    ),
    click.option(
        "--min-size",
        type=click.IntRange(min=1),
        metavar="PIXELS",
        help="Side of the smallest face sought.  [default: no limit for yunet, for haar 1/20 of "
        "the shorter side of a picture and 1/15 of that of a video, at least 24]",
    ),
    click.option(
        "--min-score",
        type=float,
        metavar="NUMBER",
        help="Least score of a face: 0 to 1 for yunet, for haar the level weight, whose scale is "
        "the cascade's own.  [default: 0.7 for yunet, no limit for haar]",
    ),
)


@dataclass(frozen=True)
class DetectorOptions:
    """What the options say, each under its option's name."""

    detector: str
    detector_model: Path | None
    cascade: str
    scale_factor: float
    min_neighbors: int
    profile: bool
    min_size: int | None
    min_score: float | None

    def build(self, of_videos: bool = False) -> "FaceDetector":
        """Make the detector.

        Args:
            of_videos: It is for the frames of videos.

        Raises:
            ConfigError: A number is out of range.
            ModelError: A file of the detector is missing or broken.
            MissingDependencyError: The installed OpenCV has no cascades.
        """
        # Only the module that is asked for is loaded.
        if self.detector == "yunet":
            from emorec.detection.yunet import DEFAULT_MIN_SCORE, YuNetDetector
            from emorec.models.registry import detector_model

            model = self.detector_model or detector_model("yunet")
            score = DEFAULT_MIN_SCORE if self.min_score is None else self.min_score
            return YuNetDetector(model, score, self.min_size)
        if self.detector == "none":
            from emorec.detection.whole_image import WholeImage

            return WholeImage()
        from emorec.detection import haar

        return haar.HaarDetector(
            self.cascade,
            self.scale_factor,
            self.min_neighbors,
            self.min_size,
            self.profile,
            self.min_score,
            haar.MIN_SIZE_SHARE_OF_VIDEOS if of_videos else haar.MIN_SIZE_SHARE,
        )

    def inputs(self) -> list[Path]:
        """List the files of the user that the detector reads."""
        from emorec.detection.haar import CASCADES

        own = [] if self.cascade in CASCADES else [Path(self.cascade)]
        return own + ([self.detector_model] if self.detector_model else [])


def detector_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of the detectors; it gets them as one `choice`."""

    @functools.wraps(command)
    def with_choice(**options: Any) -> Any:
        values = {field.name: options.pop(field.name) for field in fields(DetectorOptions)}
        context = click.get_current_context()
        for name, detectors in _OF.items():
            given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
            if given and values["detector"] not in detectors:
                option = "--" + name.replace("_", "-")
                raise click.UsageError(
                    f"{option} goes with --detector {' or '.join(detectors)}, not with "
                    f"{values['detector']}"
                )
        return command(choice=DetectorOptions(**values), **options)

    for option in reversed(_OPTIONS):
        with_choice = option(with_choice)
    return with_choice
