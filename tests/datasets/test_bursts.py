"""Near duplicates stay in one split of the user's own images."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import HAPPY, SAD, make_checkout, make_images, manifest_rows, noise_png

from emorec.datasets import bursts
from emorec.datasets.prepare import PrepareResult, prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.prepared_files import VOTE_COLUMNS
from emorec.datasets.readers.rows import ReadOptions
from emorec.images import Image


def frames(seed: int, count: int) -> list[Image]:
    """Frames of a video: the same scene with a little noise each."""
    generator = np.random.default_rng(seed)
    scene = cv2.resize(generator.integers(0, 256, (9, 9)).astype(np.uint8), (64, 64))
    noise = generator.normal(0, 4, (count, 64, 64))
    return [np.clip(scene + part, 0, 255).astype(np.uint8) for part in noise]


def own_images(root: Path, videos: dict[str, int], single: int = 20) -> Path:
    """Write `single` images of two classes each, and videos by their path and number of frames."""
    for label, first in (("happy", 100), ("sad", 1000)):
        (root / label).mkdir(parents=True)
        for number in range(single):
            (root / label / f"{number:03}.png").write_bytes(noise_png(first + number))
    for seed, (path, count) in enumerate(videos.items()):
        for number, image in enumerate(frames(seed, count)):
            file = root / f"{path}{number:02}.png"
            file.parent.mkdir(exist_ok=True)
            cv2.imwrite(str(file), image)
    return root


def groups_of(dest: Path, beginning: str) -> set[tuple[str, str]]:
    """Return group and split of the images whose names begin so."""
    return {
        (row["group"], row["split"])
        for row in manifest_rows(dest)
        if Path(row["path"]).name.startswith(beginning)
    }


def prepared(root: Path, dest: Path, group_by: str | None = None) -> PrepareResult:
    return prepare_data(root, dest, read_options=ReadOptions(group_by=group_by))


def test_images_without_near_duplicates_have_no_groups(tmp_path: Path, dest: Path) -> None:
    result = prepared(own_images(tmp_path / "mine", {}), dest)
    assert "group" not in manifest_rows(dest)[0]
    assert result.summary["groups"]["near_duplicates"] == {"images": 0, "groups": 0, "problem": ""}
    assert (result.notes, result.notices) == ([], [])


def test_frames_of_a_video_stay_together(tmp_path: Path, dest: Path) -> None:
    videos = {"happy/first": 6, "happy/second": 5, "sad/third": 7}
    root = own_images(tmp_path / "mine", videos)
    result = prepared(root, dest)
    assert result.notes == ["18 images in 3 groups of near duplicates are kept together"]
    found = [groups_of(dest, name) for name in ("first", "second", "third")]
    assert [len(place) for place in found] == [1, 1, 1]
    assert {group for place in found for group, _ in place} == {f"burst-{i}" for i in (1, 2, 3)}
    assert {group for group, _ in groups_of(dest, "0")} == {""}
    assert {row["split"] for row in manifest_rows(dest)} == {"train", "validation", "test"}
    again = prepared(root, dest)
    assert (again.changed, again.notes) == (False, result.notes)


def test_a_list_without_splits_is_compared_and_one_with_splits_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = own_images(tmp_path / "mine", {"happy/video": 4})
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.png"))
    (root / "list.csv").write_text(
        "\n".join(["path,label", *(f"{path},{path.split('/')[0]}" for path in paths)])
    )
    prepared(root / "list.csv", tmp_path / "a")
    assert len(groups_of(tmp_path / "a", "video")) == 1
    lines = [f"{path},{path.split('/')[0]},train" for path in paths]
    (root / "list.csv").write_text("\n".join(["path,label,split", *lines]))
    monkeypatch.setattr(bursts, "thumbnails", None)  # neither is a published data set
    assert prepared(root / "list.csv", tmp_path / "b").summary["groups"] is None
    rows = [("Training", "a.png", HAPPY), ("PublicTest", "b.png", SAD)]
    assert prepared(make_checkout(tmp_path / "FERPlus", rows), tmp_path / "c").changed


def test_near_duplicates_get_the_person_of_one_of_them(tmp_path: Path, dest: Path) -> None:
    root = own_images(tmp_path / "mine", {"happy/video": 6, "sad/other": 4})
    (root / "happy/video00.png").rename(root / "happy/bob.png")
    (root / "happy/video01.png").rename(root / "happy/ann.png")
    (root / "sad/000.png").rename(root / "sad/ann.png")
    (root / "sad/001.png").rename(root / "sad/bob1.png")
    result = prepared(root, dest, "/(?P<person>ann|bob)|$")
    # One video shows both, so all of their images are in one group.
    assert result.notes[1] == "10 images in 2 groups of near duplicates are kept together"
    for beginning, group in (
        ("video", "ann"),
        ("ann", "ann"),
        ("bob", "ann"),
        ("other", "burst-1"),
    ):
        ((found, _),) = groups_of(dest, beginning)
        assert found == group


def test_near_duplicates_that_fill_a_class_are_not_kept(tmp_path: Path, dest: Path) -> None:
    root = own_images(tmp_path / "mine", {"happy/video": 12}, single=0)
    for number in range(12):
        (root / "sad" / f"{number}.png").write_bytes(noise_png(number))
    result = prepared(root, dest)
    (warning,) = result.notices
    assert warning == (
        "12 images in 1 group of near duplicates are not kept together: the class 'happy' is in "
        "one group only ('burst-1'), which cannot be in train and in validation; add images of "
        "others, or remove the class"
    )
    assert "group" not in manifest_rows(dest)[0]


@pytest.mark.parametrize("voted", [False, True])
def test_a_split_keeps_every_class(tmp_path: Path, dest: Path, voted: bool) -> None:
    """Two groups of a class cannot be in three splits, so the images are split as they are."""
    root = own_images(tmp_path / "mine", {"happy/first": 10, "happy/second": 10}, single=0)
    for number in range(20):
        (root / "sad" / f"{number}.png").write_bytes(noise_png(number))
    if voted:
        lines = [["path", "label", *VOTE_COLUMNS]]
        for path in sorted(root.rglob("*.png")):
            votes = ["10" if name == f"votes_{path.parent.name}" else "0" for name in VOTE_COLUMNS]
            lines.append([path.relative_to(root).as_posix(), "", *votes])
        (root / "list.csv").write_text("\n".join(map(",".join, lines)))
    (warning,) = prepared(root, dest).notices
    assert warning.startswith(
        "20 images in 2 groups of near duplicates are not kept together: the class 'happy' would "
        "be missing from "
    )
    found = {(row["split"], row["label"]) for row in manifest_rows(dest)}
    assert len(found) == 6


def test_leaks_are_searched_in_the_same_comparison(tmp_path: Path, dest: Path) -> None:
    first = own_images(tmp_path / "first", {"happy/video": 4})
    second = own_images(tmp_path / "second", {}, single=0)
    for label in ("happy", "sad"):
        make_images(second, {label: 12})
    result = prepare_data([first, second], dest, PrepareOptions(leaks="list"))
    assert len(groups_of(dest, "video")) == 1
    assert {group for group, _ in groups_of(dest, "video")} == {"1/burst-1"}
    assert result.summary["leaks"]["images"] == []
    assert result.summary["groups"]["near_duplicates"]["images"] == 4 + 24
