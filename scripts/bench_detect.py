"""Benchmark of `emorec detect`, in sections; --only NAME runs one of them.

Examples:
  python scripts/bench_detect.py --photos PHOTOS
  python scripts/bench_detect.py --photos PHOTOS --only startup --only videos --runs 5
  python scripts/bench_detect.py --photos PHOTOS --only quality --yunet yunet.onnx
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path


def quality(arguments: argparse.Namespace) -> None:
    """Detected and false faces of Haar and YuNet, side by side in many conditions."""
    from _detector_quality import print_quality

    print_quality(arguments.photos, arguments.yunet)


def yunet_settings(arguments: argparse.Namespace) -> None:
    """Missed and false faces of YuNet over its settings."""
    from _detector_quality import print_yunet_settings

    print_yunet_settings(arguments.photos, arguments.yunet)


def haar_settings(arguments: argparse.Namespace) -> None:
    """Detected and false faces of Haar over its settings and combinations of cascades."""
    from _haar_settings import print_haar_settings

    print_haar_settings(arguments.photos)


def framing(arguments: argparse.Namespace) -> None:
    """Boxes of YuNet: compared with Haar's, and the accuracy of the model by their framing."""
    from _detector_framing import print_framing

    if arguments.data is None:
        print("framing skipped: it needs --data FER-2013")
        return
    print_framing(arguments.data, arguments.yunet)


def startup(arguments: argparse.Namespace) -> None:
    """A cold `emorec detect PHOTO`, compared with importing its dependencies."""
    from bench_startup import compare

    compare(arguments.photos / "obama-720p.jpg", arguments.runs)


def classifier(arguments: argparse.Namespace) -> None:
    """Throughput of the shipped model in faces per second, by batch size and threads."""
    from _detect_speed import print_classifier

    print_classifier(arguments.runs)


def videos(arguments: argparse.Namespace) -> None:
    """Throughput of `emorec detect` and of a plain loop in frames per second."""
    from _detect_speed import print_videos

    print_videos(arguments.photos, arguments.runs)


def threads(arguments: argparse.Namespace) -> None:
    """Throughput in frames per second, by threads of OpenCV and detection threads."""
    from _detect_speed import print_threads

    print_threads(arguments.photos, arguments.runs)


def motion(arguments: argparse.Namespace) -> None:
    """Accuracy of the propagated boxes between two detections."""
    from _detect_motion import print_motion

    with tempfile.TemporaryDirectory() as folder:
        print_motion(arguments.photos, Path(folder))


def memory(arguments: argparse.Namespace) -> None:
    """Peak memory of a clip and of a clip ten times as long."""
    from _detect_speed import print_memory

    print_memory(arguments.photos, arguments.runs)


SECTIONS: dict[str, Callable[[argparse.Namespace], None]] = {
    "quality": quality,
    "yunet-settings": yunet_settings,
    "haar-settings": haar_settings,
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
    parser.add_argument(
        "--only", choices=SECTIONS, action="append", help="section to run; repeatable"
    )
    parser.add_argument(
        "--photos",
        type=Path,
        required=True,
        help="folder of photos and boxes.csv, their marked faces",
    )
    parser.add_argument("--yunet", type=Path, help="ONNX file of YuNet; default: the shipped one")
    parser.add_argument("--runs", type=int, default=3, help="timed runs per candidate, alternating")
    parser.add_argument("--data", type=Path, help="prepared data set for framing")
    arguments = parser.parse_args()
    for name in arguments.only or SECTIONS:
        print(f"## {name}\n")
        SECTIONS[name](arguments)
        print()


if __name__ == "__main__":
    main()
