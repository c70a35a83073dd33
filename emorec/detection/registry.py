"""Table of the face detectors: their names, their options and how to make them.

To add a detector, write its module and add one entry to `DETECTORS`. The command-line options,
their help, the checks of `emorec doctor` and the default detector all come from this table. The
module of a detector is imported only when the detector is made.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emorec.errors import ConfigError

if TYPE_CHECKING:
    from emorec.detection.base import FaceDetector


@dataclass(frozen=True, kw_only=True)
class DetectorOption:
    """An option of a detector; several detectors may have one of the same name.

    Attributes:
        name: Keyword for `make_detector`; on the command line with hyphens, e.g. --min-size.
        type: int, float, bool (a switch), or Path for a file.
        help: What the option does, for the help of the command line.
        default: Value where the option is not set; None if `default_text` describes it.
        default_text: What the detector does without a value.
        minimum: Smallest value accepted; None for no limit.
        maximum: Largest value accepted; None for no limit.
        metavar: Placeholder of the value in the help.
        names: Values of a Path option that name a file of the package instead of a user's file.
    """

    name: str
    type: type[int] | type[float] | type[bool] | type[Path]
    help: str
    default: Any = None
    default_text: str = ""
    minimum: float | None = None
    maximum: float | None = None
    metavar: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class DetectorEntry:
    """Description of a detector in the table.

    Attributes:
        name: Name for `--detector` and in the results.
        help: Description for the help of the command line.
        make: Makes the detector; called with `for_video` and the options that are set.
        options: The options that the detector understands.
        whole_image: The detector returns the whole image as the face, so no crop margin is added.
        opencv_class: Class of OpenCV that the detector needs, if any.
        landmarks: The faces have landmarks.
        alias: Another name that `detector_entry` accepts; results have `name`.
    """

    name: str
    help: str
    make: "Callable[..., FaceDetector]"
    options: tuple[DetectorOption, ...] = ()
    whole_image: bool = False
    opencv_class: str | None = None
    landmarks: bool = False
    alias: str | None = None


def _make_yunet(
    *, for_video: bool, detector_model: Path | None = None, **options: Any
) -> "FaceDetector":
    from emorec.detection import yunet

    if for_video:
        options.setdefault("search_side", yunet.SEARCH_SIDE_OF_VIDEOS)
    return yunet.YuNetDetector(detector_model, **options)


def _make_haar(*, for_video: bool, **options: Any) -> "FaceDetector":
    from emorec.detection import haar

    if for_video:
        options["min_share"] = haar.MIN_SIZE_SHARE_OF_VIDEOS
    return haar.HaarDetector(**options)


def _make_whole_image(*, for_video: bool) -> "FaceDetector":
    from emorec.detection.whole_image import WholeImage

    return WholeImage()


_YUNET = DetectorEntry(
    name="yunet",
    help="small convolutional network.",
    make=_make_yunet,
    landmarks=True,
    options=(
        DetectorOption(
            name="detector_model",
            type=Path,
            help="ONNX file of the detector.",
            default_text="the file of the package",
            metavar="FILE",
        ),
        DetectorOption(
            name="min_size",
            type=int,
            help="side of the smallest face to detect.",
            default_text="no limit",
            minimum=1,
            metavar="PIXELS",
        ),
        DetectorOption(
            name="min_score",
            type=float,
            help="drop faces below this score, 0 to 1.",
            default_text="0.65",
            metavar="NUMBER",
        ),
        DetectorOption(
            name="search_side",
            type=int,
            help="downscale larger images to this size for the search only; a larger one finds "
            "smaller faces and takes longer.",
            default_text="960, 640 for videos",
            minimum=64,
            maximum=1920,
            metavar="PIXELS",
        ),
    ),
)

_HAAR = DetectorEntry(
    name="haar",
    help="Viola-Jones cascade of Haar features; finds fewer faces and is slower.",
    make=_make_haar,
    opencv_class="CascadeClassifier",
    options=(
        DetectorOption(
            name="cascade",
            type=Path,
            help="cascade to use: alt, alt2, default (24x24, 25 stages) or an XML file.",
            default="alt",
            metavar="NAME|FILE",
            names=("alt", "alt2", "default"),
        ),
        DetectorOption(
            name="scale_factor",
            type=float,
            help="ratio between neighbouring search scales; closer to 1 finds more faces and is "
            "slower.",
            default=1.15,
            minimum=1.001,
            maximum=10,
            metavar="RATIO",
        ),
        DetectorOption(
            name="min_neighbors",
            type=int,
            help="number of overlapping hits that make a face; higher is stricter.",
            default=2,
            minimum=1,
            metavar="N",
        ),
        DetectorOption(
            name="profile",
            type=bool,
            help="detect faces in profile too; takes three times as long.",
            default=False,
        ),
        DetectorOption(
            name="min_size",
            type=int,
            help="side of the smallest face to detect.",
            default_text="1/20 of the shorter side of an image, 1/15 for videos, at least 24",
            minimum=1,
            metavar="PIXELS",
        ),
        DetectorOption(
            name="min_score",
            type=float,
            help="drop faces below this level weight, whose scale depends on the cascade.",
            default_text="no limit",
            metavar="NUMBER",
        ),
    ),
)

_NONE = DetectorEntry(
    name="none",
    help="no detection, each image is one face.",
    make=_make_whole_image,
    whole_image=True,
    alias="whole-image",  # in Python, detector="none" reads like detector=None, the default
)

DETECTORS = {entry.name: entry for entry in (_YUNET, _HAAR, _NONE)}

DEFAULT_DETECTOR = "yunet"


def detector_entry(name: str) -> DetectorEntry:
    """Return the entry of a detector.

    Raises:
        ConfigError: No detector has this name.
    """
    for entry in DETECTORS.values():
        if name in (entry.name, entry.alias):
            return entry
    raise ConfigError(f"unknown detector {name!r}; the detectors are: {', '.join(DETECTORS)}")


def make_detector(
    name: str = DEFAULT_DETECTOR, *, for_video: bool = False, **options: Any
) -> "FaceDetector":
    """Make a detector; `functools.partial` of this function can be pickled.

    Args:
        name: "yunet", "haar" or "none", also called "whole-image" (each image is one face).
        for_video: Use the detector's defaults for the frames of videos.
        **options: Options of this detector by name; omitted options keep their defaults.

    Raises:
        ConfigError: The name or an option is unknown, or a value is out of range.
        ModelError: A file of the detector is missing or broken.
        MissingDependencyError: The installed OpenCV cannot run the detector.
    """
    entry = detector_entry(name)
    known = [option.name for option in entry.options]
    for option in options:
        if option not in known:
            raise ConfigError(
                f"the detector {name!r} has no option {option!r}; "
                f"its options: {', '.join(known) or 'none'}"
            )
    return entry.make(for_video=for_video, **options)


def takes_whole_image(name: str) -> bool:
    """Report whether the faces of this detector are whole images, which get no crop margin.

    Args:
        name: `Face.detector`. A name that is not in the table (a user's own detector,
            "haar-profile" or "track") means a box around a face.
    """
    return name in DETECTORS and DETECTORS[name].whole_image
