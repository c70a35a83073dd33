"""Near duplicates: found after scaling, brightness changes and compression; no false alarms."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.checkouts import HAPPY, SAD, make_checkout, noise_png, tree

from emorec.datasets.dataset_summary import notices
from emorec.datasets.duplicates import Thumbnails, find_leaks, near_duplicates, thumbnails
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.image_files import FileImage
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import DataError


def scene(seed: int, size: int = 48) -> np.ndarray:
    """Smooth shapes, as photos have; uint8, (size, size)."""
    noise = np.random.default_rng(seed).normal(0, 1, (8, 8)).astype(np.float32)
    image = cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC)
    return cv2.normalize(image, None, 20, 235, cv2.NORM_MINMAX).astype(np.uint8)


def written(folder: Path, *images: np.ndarray) -> Thumbnails:
    files = []
    for number, image in enumerate(images):
        path = folder / f"{number}.png"
        cv2.imwrite(str(path), image)
        files.append(FileImage(str(path), path.stat().st_size, 0))
    return thumbnails(files)


def compressed(image: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, (cv2.IMWRITE_JPEG_QUALITY, 40))[1], 0)


ALTERED = {
    "the same": lambda image: image,
    "brighter": lambda image: cv2.convertScaleAbs(image, alpha=0.8, beta=40),
    "flatter": lambda image: cv2.convertScaleAbs(image, alpha=0.4, beta=60),
    "larger": lambda image: cv2.resize(image, (144, 144), interpolation=cv2.INTER_CUBIC),
    "smaller": lambda image: cv2.resize(image, (36, 36), interpolation=cv2.INTER_AREA),
    "compressed": compressed,
    "noisy": lambda image: cv2.add(
        image, np.random.default_rng(0).integers(0, 12, image.shape, np.uint8)
    ),
    "with a mark": lambda image: cv2.rectangle(image.copy(), (36, 42), (44, 44), 200, -1),
}


def test_no_images_have_no_duplicates(tmp_path: Path) -> None:
    assert near_duplicates(written(tmp_path)) == []
    assert near_duplicates(written(tmp_path, scene(0))) == []
    assert find_leaks([], []) == {}


@pytest.mark.parametrize("change", ALTERED)
def test_altered_copies_are_found(tmp_path: Path, change: str) -> None:
    thumbs = written(tmp_path, scene(1), scene(2), ALTERED[change](scene(1)), scene(3))
    assert near_duplicates(thumbs) == [(0, 2)]


OTHERS = {
    "another scene": lambda image: scene(9),
    "mirrored": lambda image: image[:, ::-1],
    "upside down": lambda image: image[::-1],
    "negative": lambda image: 255 - image,
    "moved": lambda image: np.roll(image, 12, axis=1),
}


@pytest.mark.parametrize("change", OTHERS)
def test_other_images_are_not(tmp_path: Path, change: str) -> None:
    assert near_duplicates(written(tmp_path, scene(1), OTHERS[change](scene(1)))) == []


def test_many_scenes_give_no_false_alarm(tmp_path: Path) -> None:
    assert near_duplicates(written(tmp_path, *(scene(seed) for seed in range(300)))) == []


def test_a_group_of_copies_is_found_whole(tmp_path: Path) -> None:
    thumbs = written(tmp_path, *[scene(1)] * 4)
    assert near_duplicates(thumbs) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]


def test_blank_and_unreadable_images_are_no_duplicates(tmp_path: Path) -> None:
    blank = np.zeros((48, 48), np.uint8)
    assert near_duplicates(written(tmp_path, blank, blank, blank + 255, blank + 255)) == []
    path = tmp_path / "broken.png"
    path.write_bytes(b"x")
    thumbs = thumbnails([FileImage(str(path), 1, 0), FileImage(str(path), 1, 0)])
    assert list(thumbs.faults) == [0, 1]
    assert near_duplicates(thumbs) == []


def test_leaks_go_from_train_towards_test() -> None:
    splits = ["train", "test", "validation", "train", "train", "test"]
    pairs = [(0, 1), (0, 2), (1, 2), (3, 4), (1, 5)]
    assert find_leaks(pairs, splits) == {0: 1, 2: 1}


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    rows = [
        ("Training", "a.png", HAPPY),
        ("Training", "b.png", SAD),
        ("PublicTest", "c.png", HAPPY),
        ("PrivateTest", "d.png", HAPPY),
        ("PrivateTest", "e.png", SAD),
    ]
    root = make_checkout(tmp_path / "FERPlus", rows)
    copy = ALTERED["brighter"](scene(1))
    for name, image in (("Train/a", scene(1)), ("Valid/c", scene(2)), ("Test/d", copy)):
        cv2.imwrite(str(root / f"output/FER2013{name}.png"), image)
    return root


def test_leaks_are_listed_or_dropped_on_request(leaky: Path, tmp_path: Path) -> None:
    dest = tmp_path / "out"
    assert prepare_data(leaky, dest).summary["leaks"] is None
    listed = prepare_data(leaky, dest, PrepareOptions(leaks="list")).summary
    assert listed["leaks"] == {
        "dropped": False,
        "images": [
            {
                "name": "a.png",
                "source": "ferplus",
                "split": "train",
                "duplicate_of": {"name": "d.png", "source": "ferplus", "split": "test"},
            }
        ],
    }
    message = "images that are also in a later split, kept; see --drop-leaks: 1 "
    assert notices(listed) == [message + "(train a.png is test d.png)"]
    assert "train/happy/a.png" in tree(dest)
    with pytest.raises(DataError, match="strict: images that are also in a later split"):
        prepare_data(leaky, dest, PrepareOptions(leaks="list", strict=True))
    dropped = prepare_data(leaky, dest, PrepareOptions(leaks="drop", strict=True)).summary
    assert "train/happy/a.png" not in tree(dest)
    assert "train/happy/a.png" not in (dest / "manifest.csv").read_text()
    assert dropped["dropped"]["train"]["near duplicate in a later split"] == 1
    assert notices(dropped)[0].startswith("images that are also in a later split, removed")
    assert sum(
        sum(found.values())
        for part in ("kept", "unlabelled", "dropped")
        for found in dropped[part].values()
    ) == len(["a", "b", "c", "d", "e"])
    assert not prepare_data(leaky, dest, PrepareOptions(leaks="drop")).changed


def test_several_sources_are_always_searched(leaky: Path, tmp_path: Path) -> None:
    more = tmp_path / "mine" / "happy"
    more.mkdir(parents=True)
    (tmp_path / "mine" / "sad").mkdir()
    cv2.imwrite(str(more / "copy.png"), compressed(scene(1)))
    (tmp_path / "mine" / "sad" / "other.png").write_bytes(noise_png(99))
    reading = ReadOptions(validation=0, test=0)
    prepared = prepare_data([leaky, tmp_path / "mine"], tmp_path / "out", read_options=reading)
    found = prepared.summary["leaks"]["images"]
    assert [(leak["source"], leak["name"]) for leak in found] == [
        ("ferplus", "a.png"),
        ("folders", "happy/copy.png"),
    ]
