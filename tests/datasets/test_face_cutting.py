"""Cutting out faces: every file is accounted for, and nothing is searched twice."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import counts, make_checkout, manifest_rows, tree, zipped
from helpers.marked_faces import MarkDetector, draw_marks
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import ConfigError, DataError
from emorec.types import Box

ALL_TRAIN = ReadOptions(validation=0, test=0)
PHOTO, SQUARE = (160, 120), (120, 120)
KINDS = {
    "small": ((48, 48), []),
    "crop": (SQUARE, [Box(15, 15, 90, 90)]),
    "photo": (PHOTO, [Box(40, 30, 30, 30)]),
    "group": (PHOTO, [Box(10, 10, 20, 20), Box(60, 30, 30, 30), Box(120, 40, 20, 20)]),
    "no face": (PHOTO, []),
    "square": (SQUARE, []),
}
"""Size and faces of each kind of image; one without a face, but square, may be a crop."""


def make(root: Path, kinds: Sequence[str]) -> Path:
    """Write an image of each kind, alternately of two labels, and one small image of each label."""
    for number, kind in enumerate([*kinds, "small", "small"]):
        path = root / ("sad" if number % 2 else "happy") / f"{number}.png"
        if kind == "broken":
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"\x89PNG")
        else:
            draw_marks(path, *KINDS[kind], seed=number)
    return root


def files_of(root: Path) -> Counter[str]:
    """Count the images of a prepared data set by the first part of their path."""
    return Counter(path.split("/")[0] for path in tree(root) if path.endswith(".png"))


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kinds=st.lists(st.sampled_from([*KINDS, "broken"]), max_size=8),
    several=st.sampled_from(["largest", "all", "none"]),
    mode=st.sampled_from(["auto", "yunet", "none"]),
)
def test_every_file_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory,
    marks: MarkDetector,
    kinds,
    several,
    mode,
):
    folder = tmp_path_factory.mktemp("tree")
    root, out = make(folder / "mine", kinds), folder / "out"
    options = PrepareOptions(faces=mode, several=several)
    number = Counter(kinds)
    number["small"] += 2
    usable = number["crop"] + number["photo"] + number["group"] * (several != "none")
    if mode == "yunet" and not usable:
        with pytest.raises(DataError, match="no face was found that can be cut out"):
            prepare_data(root, out, options, read_options=ALL_TRAIN)
        return
    summary = prepare_data(root, out, options, read_options=ALL_TRAIN).summary
    rows, faces = manifest_rows(out), summary["faces"] or {}
    assert len(summary["unreadable_images"]) == number["broken"]
    # Every source image is in the manifest, or listed as unreadable.
    sources = {row.get("source_image") or row["path"].split("/", 1)[1] for row in rows}
    assert len(sources) == len(kinds) + 2 - number["broken"]
    further = sum(faces.get("further_faces", {}).values())
    total = sum(
        sum(split.values())
        for part in ("kept", "unlabelled", "dropped")
        for split in summary[part].values()
    )
    assert total - further == len(kinds) + 2
    assert {row["path"] for row in rows} == {name for name in tree(out) if name.endswith(".png")}
    if mode == "none":
        assert faces == {"mode": "none"}
        return
    searched = [kind for kind in kinds if kind != "small"] if mode == "auto" else [*kinds, "small"]
    if not searched:
        assert summary["faces"] is None
        return
    is_group_cut = several != "none"
    crops_kept = number["crop"] if mode == "auto" else 0
    square_kept = number["square"] if mode == "auto" and number["crop"] else 0
    photos = number["photo"] + (number["crop"] - crops_kept) + number["group"] * is_group_cut
    apart = number["no face"] + number["square"] - square_kept
    small = number["small"] if mode == "auto" else 0
    apart += number["small"] - small
    assert faces["photos"] == photos
    assert faces["face_crops"] == small + crops_kept + square_kept
    assert sum(faces["no_face"].values()) == len(faces["no_face_images"]) == apart
    assert sum(faces["several_faces"].values()) == number["group"] * (not is_group_cut)
    assert further == (2 * number["group"] if several == "all" else 0)
    assert files_of(out)["no-face"] == apart + number["group"] * (not is_group_cut)
    data = read_prepared(out)
    assert len(data.examples("train").paths) == faces["faces_cut"] + faces["face_crops"]
    assert not prepare_data(root, out, options, read_options=ALL_TRAIN).changed


def test_a_tree_of_crops_is_written_as_it_is(tmp_path: Path, marks: MarkDetector):
    root = make(tmp_path / "mine", ["crop", "crop", "square", "crop"])
    summary = prepare_data(root, tmp_path / "out", read_options=ALL_TRAIN).summary
    assert list(manifest_rows(tmp_path / "out")[0]) == ["path", "split", "usage", "label", "source"]
    assert (summary["faces"]["margin"], summary["faces"]["photos"]) == (None, 0)
    assert summary["faces"]["face_crops_by_reason"] == {
        "small": 2,
        "one face fills it": 3,
        "like other face crops of its size": 1,
    }
    copied = {name.removeprefix("train/"): data for name, data in tree(tmp_path / "out").items()}
    assert tree(root).items() <= copied.items()


def test_published_crops_are_not_searched(tmp_path: Path, marks: MarkDetector):
    summary = prepare_data(make_checkout(tmp_path / "FERPlus"), tmp_path / "out").summary
    assert summary["faces"] is None
    assert marks.searched == 0


def test_names_stay_unique(tmp_path: Path, marks: MarkDetector):
    root = tmp_path / "mine"
    long = "x" * 240
    for name in ("happy/a.png", "happy/b/a.png", "happy/A.PNG", "sad/a.png", f"sad/{long}.png"):
        draw_marks(root / name, *KINDS["photo"])
    draw_marks(root / "happy/a-2.png", *KINDS["small"])
    draw_marks(root / "sad/c/a.png", *KINDS["group"])
    for name in ("happy/n.png", "sad/n.png"):
        draw_marks(root / name, *KINDS["no face"])
    options = PrepareOptions(several="all")
    prepare_data(root, tmp_path / "out", options, read_options=ALL_TRAIN)
    names = [name for name in tree(tmp_path / "out") if name.endswith(".png")]
    assert sorted(names) == sorted(
        [
            *("no-face/n-2.png", "no-face/n.png"),
            *("train/happy/a-2.png", "train/happy/a-3.png", "train/happy/A.png"),
            *("train/happy/a-4.png", "train/sad/a-2.png", "train/sad/a-2-face2.png"),
            *("train/sad/a-2-face3.png", "train/sad/a.png", f"train/sad/{'x' * 200}.png"),
        ]
    )
    assert len({name.casefold() for name in names}) == len(names)


@pytest.mark.parametrize("link", ["hard", "symlink"])
def test_images_that_are_kept_are_linked(
    tmp_path: Path,
    marks: MarkDetector,
    link: str,
):
    root = make(tmp_path / "mine", ["photo", "crop", "no face"])
    before = tree(root)
    out = tmp_path / "out"
    prepare_data(root, out, PrepareOptions(link=link), read_options=ALL_TRAIN)
    assert (out / "train/sad/1.png").samefile(root / "sad/1.png")
    assert (out / "no-face/2.png").samefile(root / "happy/2.png")
    assert cv2.imread(str(out / "train/happy/0.png")).shape == (30, 30, 3)
    prepare_data(root, out, PrepareOptions(overwrite=True), read_options=ALL_TRAIN)
    assert tree(root) == before


def test_archives_are_read_like_folders(tmp_path: Path, marks: MarkDetector):
    root = make(tmp_path / "mine", ["photo", "group", "crop", "no face"])
    archive = zipped(root, tmp_path / "mine.zip")
    for source in (root, archive):
        prepare_data(source, tmp_path / f"{source.suffix}out", read_options=ALL_TRAIN)
    assert files_of(tmp_path / ".zipout") == Counter({"train": 5, "no-face": 1})
    ours, theirs = tree(tmp_path / "out"), tree(tmp_path / ".zipout")
    del ours["summary.json"], theirs["summary.json"]
    assert ours == theirs


def test_a_repeated_run_does_not_search_again(tmp_path: Path, marks: MarkDetector):
    root = make(tmp_path / "mine", ["photo", "group", "no face", "crop"])
    first = prepare_data(root, tmp_path / "first", read_options=ALL_TRAIN)
    assert marks.searched == 4
    assert not prepare_data(root, tmp_path / "first", read_options=ALL_TRAIN).changed
    second = prepare_data(
        root, tmp_path / "second", PrepareOptions(several="all"), read_options=ALL_TRAIN
    )
    assert marks.searched == 4
    assert (first.summary["faces"]["faces_cut"], second.summary["faces"]["faces_cut"]) == (2, 4)
    draw_marks(root / "happy/0.png", *KINDS["photo"], seed=77)
    assert prepare_data(root, tmp_path / "first", read_options=ALL_TRAIN).changed
    assert marks.searched == 5


KILLED = """
import os, signal, sys
from pathlib import Path
from helpers.marked_faces import MarkDetector
from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.rows import ReadOptions
from emorec.detection.registry import DETECTORS, DetectorEntry

class Killed(MarkDetector):
    def detect(self, image_bgr):
        if self.searched == 5:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().detect(image_bgr)

detector = Killed()
DETECTORS["yunet"] = DetectorEntry(name="yunet", help="", make=lambda *, for_video: detector)
prepare_data(Path(sys.argv[1]), Path(sys.argv[2]), read_options=ReadOptions(validation=0, test=0))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_a_killed_run_is_resumed(tmp_path: Path, marks: MarkDetector):
    root, out = make(tmp_path / "mine", ["photo"] * 8), tmp_path / "out"
    path = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    command = [sys.executable, "-c", KILLED, root, out]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path})
    assert done.returncode == -signal.SIGKILL
    assert not out.exists()
    prepare_data(root, out, read_options=ALL_TRAIN)
    assert marks.searched <= 4  # of 8, though threads may have been in the middle of an image
    prepare_data(root, tmp_path / "other", read_options=ALL_TRAIN)
    assert tree(out) == tree(tmp_path / "other")


def write_list(root: Path, header: str, *lines: str) -> Path:
    root.mkdir(exist_ok=True)
    (root / "list.csv").write_text("\n".join([header, *lines]) + "\n")
    return root


BOXES = "path,label,split,x,y,width,height"


@pytest.mark.parametrize(
    ("mode", "happy", "sad", "apart"),
    [("auto", 2, 1, 1), ("boxes", 2, 0, 2), ("yunet", 1, 1, 1), ("none", 1, 1, 0)],
)
def test_boxes_of_a_list(
    tmp_path: Path,
    marks: MarkDetector,
    mode,
    happy,
    sad,
    apart,
):
    root = tmp_path / "mine"
    for number, kind in enumerate(["group", "photo", "no face"]):
        draw_marks(root / f"{number}.png", *KINDS[kind], seed=number)
    lines = ["0.png,happy,train,9.6,10,20,20", "0.png,happy,train,60,30,30,30"]
    lines += ["1.png,sad,train,,,,", "2.png,,train,,,,"]
    write_list(root, BOXES, *lines)
    summary = prepare_data(root, tmp_path / "out", PrepareOptions(faces=mode)).summary
    found = counts(tmp_path / "out")["train"]
    assert (found.get("happy", 0), found.get("sad", 0)) == (happy, sad)
    assert files_of(tmp_path / "out")["no-face"] == apart
    if mode in ("auto", "boxes"):
        assert summary["duplicates"] == []
        widths = [row["width"] for row in manifest_rows(tmp_path / "out")]
        assert widths[:2] == ["20", "30"]


def test_boxes_need_a_source_with_boxes(tmp_path: Path, marks: MarkDetector):
    root = make(tmp_path / "mine", ["photo"])
    with pytest.raises(ConfigError, match="mine has no boxes of faces, which --faces boxes takes"):
        prepare_data(root, tmp_path / "out", PrepareOptions(faces="boxes"), read_options=ALL_TRAIN)
    write_list(root, "path,label,split,x,y", "happy/0.png,happy,train,1,2")
    with pytest.raises(DataError, match="the columns x, y of a box lack width, height"):
        prepare_data(root, tmp_path / "out")
    # The size of the image is no box.
    write_list(root, "path,label,split,width,height", "happy/0.png,happy,train,160,120")
    assert prepare_data(root, tmp_path / "out").summary["faces"]["detector"] == "yunet"


def test_a_prepared_data_set_is_never_cut_again(tmp_path: Path, marks: MarkDetector):
    root = make(tmp_path / "mine", ["photo", "group", "no face", "crop"])
    options = PrepareOptions(crop_margin=1.5, align="off")
    first = prepare_data(root, tmp_path / "first", options, read_options=ALL_TRAIN).summary
    searched = marks.searched
    for mode in ("auto", "yunet"):
        again = PrepareOptions(faces=mode)
        out = tmp_path / mode
        summary = prepare_data(tmp_path / "first", out, again).summary
        assert (out / "manifest.csv").read_bytes() == (tmp_path / "first/manifest.csv").read_bytes()
        assert files_of(out) == files_of(tmp_path / "first")
        same = ("margin", "align", "photos", "faces_cut", "face_crops", "no_face", "median_share")
        assert [summary["faces"][key] for key in same] == [first["faces"][key] for key in same]
    assert marks.searched == searched
    # New photos beside it are framed as those of the data set.
    more = make(tmp_path / "more", ["photo"] * 2)
    both = prepare_data([tmp_path / "first", more], tmp_path / "both", read_options=ALL_TRAIN)
    assert (both.summary["faces"]["margin"], both.summary["faces"]["photos"]) == (1.5, 4)


def test_nothing_is_trained_on_an_image_without_a_face(
    tmp_path: Path,
    marks: MarkDetector,
):
    checkout = make_checkout(tmp_path / "FERPlus")
    for number, kind in enumerate(["photo", "no face"]):
        path = checkout / f"output/FER2013Train/fer000000{number}.png"
        draw_marks(path, *KINDS[kind], seed=number)
    prepare_data(checkout, tmp_path / "out")
    (row,) = [row for row in manifest_rows(tmp_path / "out") if row["face"] == "none"]
    # The label and the votes that it had are kept.
    assert (row["path"], row["label"]) == ("no-face/fer0000001.png", "")
    assert (row["source_label"], row["votes_sad"]) == ("sad", "10")
    data = read_prepared(tmp_path / "out")
    assert data.apart is not None
    assert data.paths[data.apart].tolist() == ["no-face/fer0000001.png"]
    for soft in (False, True):
        assert [path.name for path in data.examples("train", "majority", 8, soft).paths] == [
            *("fer0000000.png", "fer0000003.png")
        ]


def test_the_options_decide_whether_a_tree_is_up_to_date(
    tmp_path: Path,
    marks: MarkDetector,
):
    root, out = make(tmp_path / "mine", ["photo", "group"]), tmp_path / "out"
    prepare_data(root, out, read_options=ALL_TRAIN)
    for changed in ({"several": "all"}, {"faces": "none"}, {"crop_margin": 0.2}, {"align": "off"}):
        assert prepare_data(root, out, PrepareOptions(**changed), read_options=ALL_TRAIN).changed
    (out / "train/happy/0.png").unlink()
    assert prepare_data(root, out, PrepareOptions(align="off"), read_options=ALL_TRAIN).changed


def test_no_face_at_all_is_an_error(tmp_path: Path, marks: MarkDetector):
    root = tmp_path / "mine"
    for label in ("happy", "sad"):
        draw_marks(root / label / "a.png", *KINDS["no face"])
    with pytest.raises(DataError, match=r"no face was found .* 2 images; .* --faces none"):
        prepare_data(root, tmp_path / "out", read_options=ALL_TRAIN)
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["mine"]


def test_strict_refuses_images_without_a_face(tmp_path: Path, marks: MarkDetector):
    root = make(tmp_path / "mine", ["photo", "no face"])
    with pytest.raises(
        DataError, match=r"images without a face, kept in no-face/: 1 \(sad/1.png\)"
    ):
        prepare_data(root, tmp_path / "out", PrepareOptions(strict=True), read_options=ALL_TRAIN)


def test_the_summary_is_json_and_crops_are_lossless(
    tmp_path: Path,
    marks: MarkDetector,
):
    root = make(tmp_path / "mine", ["photo"])
    summary = prepare_data(root, tmp_path / "out", read_options=ALL_TRAIN).summary
    assert json.loads((tmp_path / "out/summary.json").read_text()) == summary
    crop = cv2.imread(str(tmp_path / "out/train/happy/0.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(crop, cv2.imread(str(root / "happy/0.png"))[30:60, 40:70])
