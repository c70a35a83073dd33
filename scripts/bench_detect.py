"""Measures `emorec detect`, one section after another; --only NAME runs one of them.

Examples:
  python scripts/bench_detect.py --photos ../shared/data/photos
  python scripts/bench_detect.py --only quality --photos ../shared/data/photos --yunet yunet.onnx
"""

import argparse
from collections.abc import Callable
from pathlib import Path


def quality(arguments: argparse.Namespace) -> None:
    """Recall and false faces of each detector, and the choice of Haar's settings."""
    from _detector_quality import print_quality

    print_quality(arguments.photos, arguments.yunet)


SECTIONS: dict[str, Callable[[argparse.Namespace], None]] = {"quality": quality}


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
    arguments = parser.parse_args()
    for name in arguments.only or SECTIONS:
        print(f"## {name}\n")
        SECTIONS[name](arguments)
        print()


if __name__ == "__main__":
    main()
