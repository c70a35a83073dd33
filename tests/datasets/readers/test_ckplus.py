"""CK+48 folders: nobody is in two splits."""

import shutil
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from helpers.checkouts import (
    manifest_rows,
    noise_png,
)

from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import ReadOptions

CK_COUNTS = {
    "anger": 135,
    "contempt": 54,
    "disgust": 177,
    "fear": 75,
    "happy": 207,
    "sadness": 84,
    "surprise": 249,
}
"""Images of each folder of CK+48; 981 in all."""


def make_ckplus(root: Path) -> Path:
    """A tree in the layout of CK+48: 981 images of 118 people, three of each expression."""
    generator = np.random.default_rng(1)
    sequences = [emotion for emotion, count in CK_COUNTS.items() for _ in range(count // 3)]
    # Every person shows at least one expression, and none of them twice.
    people: list[set[str]] = [set() for _ in range(118)]
    for number, emotion in enumerate(generator.permutation(sequences)):
        free = [i for i in range(118) if emotion not in people[i]]
        person = number if number < 118 else int(generator.choice(free))
        people[person].add(str(emotion))
        for frame in range(3):
            name = f"S{person + 5:03}_{len(people[person]):03}_{frame + 15:08}.png"
            (root / str(emotion)).mkdir(parents=True, exist_ok=True)
            (root / str(emotion) / name).write_bytes(noise_png(3 * number + frame))
    return root


@pytest.fixture(scope="module")
def ckplus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ckplus(tmp_path_factory.mktemp("raw") / "CK+48")


def test_nobody_in_ckplus_is_in_two_splits(ckplus: Path, dest: Path) -> None:
    summary = prepare_data(ckplus, dest, PrepareOptions(classes=8)).summary
    assert summary["source"] == "ckplus"
    people: defaultdict[str, set[str]] = defaultdict(set)
    for row in manifest_rows(dest):
        people[row["split"]].add(Path(row["path"]).name[:4])
    assert sum(map(len, people.values())) == len(set().union(*people.values())) == 118
    sizes = {split: sum(labels.values()) for split, labels in summary["kept"].items()}
    assert sum(sizes.values()) == 981
    for split, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
        assert abs(sizes[split] / 981 - share) < 0.02
    labels = Counter(row["label"] for row in manifest_rows(dest))
    assert labels == {
        "angry": 135,
        "contempt": 54,
        "disgust": 177,
        "fear": 75,
        "happy": 207,
        "sad": 84,
        "surprise": 249,
    }


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("shares", [(0.1, 0.1), (0.15, 0.2), (0.0, 0.3), (0.25, 0.25), (0.02, 0.5)])
def test_the_shares_of_ckplus_are_met(ckplus: Path, seed: int, shares: tuple[float, float]) -> None:
    validation, test = shares
    source = read_source(ckplus, ReadOptions(validation=validation, test=test, seed=seed))
    sizes = Counter(source.usages)
    for split, share in (("train", 1 - sum(shares)), ("validation", validation), ("test", test)):
        assert abs(sizes[split] / 981 - share) < 0.02


def test_the_seed_decides(ckplus: Path) -> None:
    first, again, other = (read_source(ckplus, ReadOptions(seed=seed)).usages for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("nesting", ["CK+48", "ck/CK+48", "archive/ck/CK+48", "both"])
def test_ckplus_is_found_in_enclosing_folders(
    ckplus: Path, tmp_path: Path, dest: Path, nesting: str
) -> None:
    root = tmp_path / "download"
    for place in ["CK+48", "ck/CK+48"] if nesting == "both" else [nesting]:
        shutil.copytree(ckplus, root / place)
    prepare_data(root, dest)
    prepare_data(ckplus, tmp_path / "plain")
    assert manifest_rows(dest) == manifest_rows(tmp_path / "plain")


def test_contempt_of_ckplus_has_no_label_among_seven(ckplus: Path, dest: Path) -> None:
    summary = prepare_data(ckplus, dest).summary
    assert sum(reasons.get("contempt", 0) for reasons in summary["unlabelled"].values()) == 54


def test_images_without_a_person_are_skipped(ckplus: Path, tmp_path: Path, dest: Path) -> None:
    root = shutil.copytree(ckplus, tmp_path / "CK+48")
    (root / "happy" / "extra.png").write_bytes(noise_png(1))
    note, left_out = prepare_data(root, dest).summary["notes"]
    assert left_out == "left out: 1 .png (such as happy/extra.png)"
    assert note == "images without a person in the name are skipped: 1 (happy/extra.png)"
