"""Measures `emorec detect`, one section after another; --only NAME runs one of them.

Examples:
  python scripts/bench_detect.py --photos ../shared/data/photos
  python scripts/bench_detect.py --only startup --only videos --runs 5
  python scripts/bench_detect.py --only quality --photos ../shared/data/photos --yunet yunet.onnx
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from emorec.models.registry import detector_model


def quality(arguments: argparse.Namespace) -> None:
    """Recall and false faces of each detector, and the choice of Haar's settings."""
    from _detector_quality import print_quality

    print_quality(arguments.photos, arguments.yunet)


def framing(arguments: argparse.Namespace) -> None:
    """Where YuNet and Haar put the square around the same face."""
    from _detector_framing import print_framing

    if arguments.data is None:
        print("framing is left out: it needs faces, --data FER-2013")
        return
    print_framing(arguments.data, arguments.yunet or detector_model("yunet"))


def startup(arguments: argparse.Namespace) -> None:
    """A whole cold `emorec detect PHOTO` beside importing what it cannot do without."""
    from bench_startup import compare

    compare(arguments.photos / "obama-720p.jpg", arguments.runs)


def classifier(arguments: argparse.Namespace) -> None:
    """Faces a second of the shipped model, by batch and threads."""
    from _detect_speed import print_classifier

    print_classifier(arguments.runs)


def videos(arguments: argparse.Namespace) -> None:
    """Frames a second of `emorec detect` and of the plain loop."""
    from _detect_speed import print_videos

    print_videos(arguments.photos, arguments.runs)


def threads(arguments: argparse.Namespace) -> None:
    """Frames a second by the threads of OpenCV and those that search."""
    from _detect_speed import print_threads

    print_threads(arguments.photos, arguments.runs)


def motion(arguments: argparse.Namespace) -> None:
    """How well boxes are carried on between two detections."""
    from _detect_motion import print_motion

    with tempfile.TemporaryDirectory() as folder:
        print_motion(arguments.photos, Path(folder))


def memory(arguments: argparse.Namespace) -> None:
    """Peak memory of a clip and of one ten times as long."""
    from _detect_speed import print_memory

    print_memory(arguments.photos, arguments.runs)


SECTIONS: dict[str, Callable[[argparse.Namespace], None]] = {
    "quality": quality,
    "framing": framing,
    "startup": startup,
    "classifier": classifier,
    "videos": videos,
    "threads": threads,
    "memory": memory,
    "motion": motion,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=SECTIONS, action="append", help="may be given again")
    parser.add_argument(
        "--photos",
        type=Path,
        default=Path("../shared/data/photos"),
        help="folder of photos with boxes.csv, the marked faces",
    )
    parser.add_argument("--yunet", type=Path, help="YuNet's file; default: the one fetched")
    parser.add_argument("--runs", type=int, default=3, help="timed runs of each side, in turn")
    parser.add_argument("--data", type=Path, help="a prepared data set, for framing")
    arguments = parser.parse_args()
    for name in arguments.only or SECTIONS:
        print(f"## {name}\n")
        SECTIONS[name](arguments)
        print()


if __name__ == "__main__":
    main()
