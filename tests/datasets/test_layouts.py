"""Recognising what users download: each layout, nested and forced, and its splits and labels."""

import shutil
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pytest
from checkouts import FOLDERS, HAPPY, ROWS, SAD, csv_text, make_checkout, picture, tree
from hypothesis import given
from hypothesis import strategies as st

from emorec.cli.prepare_data import _LAYOUTS
from emorec.datasets.layouts import LAYOUTS, read_source
from emorec.datasets.manifest import read_prepared
from emorec.datasets.prepare import prepare_data
from emorec.datasets.source import Reading
from emorec.datasets.splitting import grouped_splits, stratified, stratified_splits
from emorec.errors import ConfigError, DataError

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
    # Everybody shows one expression at least, and nobody the same one twice.
    people: list[set[str]] = [set() for _ in range(118)]
    for number, emotion in enumerate(generator.permutation(sequences)):
        free = [i for i in range(118) if emotion not in people[i]]
        person = number if number < 118 else int(generator.choice(free))
        people[person].add(str(emotion))
        for frame in range(3):
            name = f"S{person + 5:03}_{len(people[person]):03}_{frame + 15:08}.png"
            (root / str(emotion)).mkdir(parents=True, exist_ok=True)
            (root / str(emotion) / name).write_bytes(picture(3 * number + frame))
    return root


@pytest.fixture(scope="module")
def ckplus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_ckplus(tmp_path_factory.mktemp("raw") / "CK+48")


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "out"


def make_images(root: Path, counts: dict[str, int]) -> Path:
    for folder, count in counts.items():
        (root / folder).mkdir(parents=True)
        for number in range(count):
            (root / folder / f"{number:03}.png").write_bytes(picture(number))
    return root


def rows(root: Path) -> list[dict[str, str]]:
    header, *lines = (root / "manifest.csv").read_text("utf-8").splitlines()
    return [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]


def counts(root: Path) -> dict[str, dict[str, int]]:
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows(root):
        found[row["split"]][row["label"]] += 1
    return {split: dict(counter) for split, counter in found.items()}


def test_nothing_is_no_layout(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no known layout \(ferplus: fer2013new"):
        read_source(tmp_path)
    with pytest.raises(ConfigError, match="unknown layout 'mine'; choose one of ferplus"):
        read_source(tmp_path, Reading(layout="mine"))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_forced_layout_says_what_it_misses(tmp_path: Path, layout: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("no data")
    with pytest.raises(DataError):
        read_source(tmp_path, Reading(layout=layout))


def test_the_command_offers_every_layout() -> None:
    assert tuple(LAYOUTS) == _LAYOUTS


@pytest.mark.parametrize("shares", [(-0.1, 0.1), (0.1, 1.0), (0.5, 0.5), (float("nan"), 0.1)])
def test_shares_must_leave_something_to_train(shares: tuple[float, float]) -> None:
    with pytest.raises(ConfigError, match="leave something to train"):
        Reading(validation=shares[0], test=shares[1])


def test_nobody_in_ckplus_is_in_two_splits(ckplus: Path, dest: Path) -> None:
    summary = prepare_data(ckplus, dest, classes=8).summary
    assert summary["source"] == "ckplus"
    people: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows(dest):
        people[row["split"]].add(Path(row["path"]).name[:4])
    assert sum(map(len, people.values())) == len(set().union(*people.values())) == 118
    sizes = {split: sum(labels.values()) for split, labels in summary["kept"].items()}
    assert sum(sizes.values()) == 981
    for split, share in (("train", 0.8), ("validation", 0.1), ("test", 0.1)):
        assert abs(sizes[split] / 981 - share) < 0.02
    labels = Counter(row["label"] for row in rows(dest))
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
def test_shares_of_ckplus_come_out(ckplus: Path, seed: int, shares: tuple[float, float]) -> None:
    validation, test = shares
    source = read_source(ckplus, Reading(validation=validation, test=test, seed=seed))
    sizes = Counter(source.usages)
    for split, share in (("train", 1 - sum(shares)), ("validation", validation), ("test", test)):
        assert abs(sizes[split] / 981 - share) < 0.02


def test_the_seed_decides(ckplus: Path) -> None:
    first, again, other = (read_source(ckplus, Reading(seed=seed)).usages for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("nesting", ["CK+48", "ck/CK+48", "archive/ck/CK+48", "both"])
def test_ckplus_is_found_in_its_nestings(
    ckplus: Path, tmp_path: Path, dest: Path, nesting: str
) -> None:
    root = tmp_path / "download"
    for place in ["CK+48", "ck/CK+48"] if nesting == "both" else [nesting]:
        shutil.copytree(ckplus, root / place)
    prepare_data(root, dest)
    prepare_data(ckplus, tmp_path / "plain")
    assert rows(dest) == rows(tmp_path / "plain")


def test_contempt_of_ckplus_has_no_label_among_seven(ckplus: Path, dest: Path) -> None:
    summary = prepare_data(ckplus, dest).summary
    assert sum(reasons.get("contempt", 0) for reasons in summary["unlabelled"].values()) == 54


def test_images_of_nobody_are_left_out_of_ckplus(ckplus: Path, tmp_path: Path, dest: Path) -> None:
    root = shutil.copytree(ckplus, tmp_path / "CK+48")
    (root / "happy" / "extra.png").write_bytes(picture(1))
    (note,) = prepare_data(root, dest).summary["notes"]
    assert note == "images whose names tell no person are left out: 1 (happy/extra.png)"


FER_TREE = {"train/angry": 20, "train/happy": 30, "test/angry": 2, "test/happy": 3}


def test_fer2013_folders_hold_out_what_training_would(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "fer2013", FER_TREE)
    prepare_data(root, dest)
    assert counts(dest) == {
        "train": {"angry": 18, "happy": 27},
        "validation": {"angry": 2, "happy": 3},
        "test": {"angry": 2, "happy": 3},
    }
    raw, prepared = read_prepared(root), read_prepared(dest)
    for split in ("train", "validation", "test"):
        ours = [path.relative_to(dest) for path in prepared.examples(split).paths]
        assert ours == [path.relative_to(root) for path in raw.examples(split).paths]


def test_fer2013_folders_with_validation_keep_it(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "fer2013", {**FER_TREE, "Validation/Happy": 4})
    prepare_data(tmp_path / "fer2013", dest)
    assert counts(dest)["validation"] == {"happy": 4}
    assert counts(dest)["train"] == {"angry": 20, "happy": 30}
    assert (dest / "test/happy").is_dir()
    assert root.is_dir()


def test_folders_are_split_by_class(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"Anger": 20, "joy": 40, "Neutrality/deep/er": 10})
    prepare_data(root, dest)
    assert counts(dest) == {
        "train": {"angry": 16, "happy": 32, "neutral": 8},
        "validation": {"angry": 2, "happy": 4, "neutral": 1},
        "test": {"angry": 2, "happy": 4, "neutral": 1},
    }


def test_unknown_names_are_an_error_unless_kept(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"Anger": 10, "bored": 10})
    with pytest.raises(DataError, match=r"unknown emotion name 'bored'; known .*--keep-labels"):
        prepare_data(root, dest)
    summary = prepare_data(root, dest, reading=Reading(keep_labels=True)).summary
    assert counts(dest)["train"] == {"Anger": 8, "bored": 8}
    assert (summary["classes"], summary["policy"]) == (None, None)
    assert read_prepared(dest).examples("train").class_names == ("Anger", "bored")


def write_list(root: Path, *lines: str, header: str = "path,label") -> Path:
    root.mkdir(exist_ok=True)
    path = root / "list.csv"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return path


def test_a_list_gives_labels_splits_and_groups(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"a": 4, "b": 4})
    lines = ["a/000.png,joy,train", "./b/000.png,sad,Val", "b/001.png,,test", "a/gone.png,sad,test"]
    path = write_list(root, *lines, header="path,label,split")
    summary = prepare_data(path, dest).summary
    assert [(row["path"], row["split"]) for row in rows(dest)] == [
        ("train/happy/000.png", "train"),
        ("test/sad/000.png", "validation"),
        ("unlabelled/001.png", "test"),
    ]
    assert summary["missing_images"] == ["a/gone.png"]
    # The folder that holds the list and the images is the same data.
    prepare_data(root, tmp_path / "folder")
    assert rows(tmp_path / "folder") == rows(dest)


def test_groups_of_a_list_stay_together(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 100})
    lines = [f"x/{i:03}.png,{'happy' if i % 2 else 'sad'},p{i // 5}" for i in range(100)]
    path = write_list(root, *lines, header="path,label,group")
    prepare_data(path, dest)
    splits: defaultdict[int, set[str]] = defaultdict(set)
    for row in rows(dest):
        splits[int(Path(row["path"]).stem) // 5].add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert {split: sum(c.values()) for split, c in counts(dest).items()} == {
        "train": 80,
        "validation": 10,
        "test": 10,
    }


def test_a_list_without_validation_holds_groups_out(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 60})
    split = ["train"] * 50 + ["test"] * 10
    lines = [f"x/{i:03}.png,happy,{split[i]},p{i // 5}" for i in range(60)]
    prepare_data(write_list(root, *lines, header="path,label,split,group"), dest)
    assert counts(dest) == {
        "train": {"happy": 45},
        "validation": {"happy": 5},
        "test": {"happy": 10},
    }
    assert len({row["path"].rpartition("/")[0] for row in rows(dest)}) == 2


BAD_LISTS = {
    "no rows": ([], "a header and no rows"),
    "absolute": (["/etc/x.png,happy"], "row 2: unsafe path '/etc/x.png'"),
    "up": (["x/../../y.png,happy"], "row 2: unsafe path"),
    "backslash": (["x\\y.png,happy"], "row 2: unsafe path"),
    "newline": (['"x/\n.png",happy'], "row 3: unsafe path"),
    "no path": ([",happy"], "row 2: unsafe path ''"),
    "unknown label": (["x/000.png,glee"], "unknown emotion name 'glee'"),
}


@pytest.mark.parametrize("case", BAD_LISTS)
def test_bad_lists_are_refused(tmp_path: Path, dest: Path, case: str) -> None:
    lines, message = BAD_LISTS[case]
    root = make_images(tmp_path / "mine", {"x": 1})
    with pytest.raises(DataError, match=message) as caught:
        prepare_data(write_list(root, *lines), dest)
    assert str(caught.value).isprintable()
    assert not dest.exists()


def test_an_unknown_split_is_refused(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 1})
    path = write_list(root, "x/000.png,happy,dev", header="path,label,split")
    with pytest.raises(DataError, match="row 2: unknown split 'dev'; known: train"):
        prepare_data(path, dest)


@pytest.mark.parametrize("label", ["a/b", "..", "a\tb\tc", ".hidden", "x" * 101, "C:"])
def test_a_label_that_is_no_folder_name_is_refused(tmp_path: Path, dest: Path, label: str) -> None:
    root = make_images(tmp_path / "mine", {"x": 1})
    with pytest.raises(DataError, match="is no plain folder name"):
        prepare_data(
            write_list(root, f"x/000.png,{label}"), dest, reading=Reading(keep_labels=True)
        )


def test_a_path_behind_a_link_out_is_missing(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 1})
    make_images(tmp_path / "secret", {"y": 1})
    (root / "y").symlink_to(tmp_path / "secret" / "y")
    path = write_list(root, "x/000.png,happy", "y/000.png,sad")
    summary = prepare_data(path, dest).summary
    assert summary["missing_images"] == ["y/000.png"]
    assert len(rows(dest)) == 1


def test_equal_names_do_not_overwrite_each_other(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"x": 3, "y": 3, "z": 3})
    lines = [f"{folder}/{i:03}.png,happy,train" for folder in "xyz" for i in range(3)]
    reading = Reading(validation=0)
    prepare_data(write_list(root, *lines, header="path,label,split"), dest, reading=reading)
    assert [row["path"].rpartition("/")[2] for row in rows(dest)] == [
        *("000.png", "001.png", "002.png"),
        *("000-2.png", "001-2.png", "002-2.png"),
        *("000-3.png", "001-3.png", "002-3.png"),
    ]
    assert len([path for path in tree(dest) if path.endswith(".png")]) == 9


def label_csv(rows: list[tuple[str, tuple[int, ...]]]) -> str:
    return "".join(f'{name},"(0, 0, 48, 48)",{",".join(map(str, votes))}\n' for name, votes in rows)


def test_votes_of_label_csv_are_read_when_asked_for(tmp_path: Path, dest: Path) -> None:
    root = make_checkout(tmp_path / "FERPlus", parent="data")
    for usage, folder in FOLDERS.items():
        # Other votes than fer2013new.csv: everybody is happy here.
        names = [name for row_usage, name, _ in ROWS if row_usage == usage and name]
        (root / "data" / folder / "label.csv").write_text(label_csv([(n, HAPPY) for n in names]))
    summary = prepare_data(root, dest, reading=Reading(votes="label-csv")).summary
    assert summary["source"] == "ferplus-label-csv"
    assert counts(dest) == {"train": {"happy": 3}, "validation": {"happy": 2}, "test": {"happy": 2}}
    prepare_data(root, tmp_path / "new")
    assert counts(tmp_path / "new")["train"] == {"happy": 1, "sad": 1, "": 1}
    (root / "data" / FOLDERS["Training"] / "label.csv").unlink()
    summary = prepare_data(root, dest, reading=Reading(votes="label-csv")).summary
    assert summary["notes"] == ["FER2013Train/label.csv is missing: no Training image is read"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty"),
        ("a.png,box,1,2\n", "row 1 has 4 values; the header names 12"),
        (label_csv([("../a.png", HAPPY)]), "row 1: '../a.png' is no plain file name"),
        (label_csv([("a.png", ("x",) * 10)]), "a vote must be a whole number"),
    ],
)
def test_broken_label_csv_files_are_refused(
    tmp_path: Path, dest: Path, content: str, message: str
) -> None:
    root = make_checkout(tmp_path / "FERPlus")
    (root / "output" / "FER2013Train" / "label.csv").write_text(content)
    with pytest.raises(DataError, match=message):
        prepare_data(root, dest, reading=Reading(votes="label-csv"))


def test_no_label_csv_at_all_is_an_error(tmp_path: Path, dest: Path) -> None:
    with pytest.raises(DataError, match=r"no FER2013Train/label\.csv"):
        prepare_data(make_checkout(tmp_path / "x"), dest, reading=Reading(votes="label-csv"))


def test_votes_that_no_source_could_use_are_an_error(tmp_path: Path, dest: Path) -> None:
    root = make_images(tmp_path / "mine", {"happy": 2, "sad": 2})
    with pytest.raises(ConfigError, match=r"name fer2013\.csv as SOURCE"):
        prepare_data(root, dest, reading=Reading(ferplus_csv=tmp_path / "fer2013new.csv"))
    with pytest.raises(ConfigError, match="is for a FERPlus checkout"):
        prepare_data(root, dest, reading=Reading(votes="label-csv"))


labels = st.lists(st.sampled_from("abcd"), max_size=60)


@given(labels, st.floats(0, 0.45), st.floats(0, 0.45), st.integers(0, 3))
def test_every_class_gets_its_shares(
    labels: list[str], validation: float, test: float, seed: int
) -> None:
    splits = stratified_splits(labels, validation, test, seed)
    assert len(splits) == len(labels)
    for name, size in Counter(labels).items():
        found = Counter(s for s, label in zip(splits, labels, strict=True) if label == name)
        assert abs(found["test"] - size * test) <= 0.5
        assert abs(found["validation"] - size * validation) <= 1


@given(labels, st.floats(0, 0.45), st.floats(0, 0.45), st.integers(0, 3))
def test_no_group_is_in_two_splits(
    groups: list[str], validation: float, test: float, seed: int
) -> None:
    splits = grouped_splits(groups, validation, test, seed)
    assert len(splits) == len(groups)
    assert len(set(zip(groups, splits, strict=True))) == len(set(groups))


def test_nothing_can_be_split() -> None:
    assert stratified([], 0.5, 0).tolist() == []
    assert stratified_splits([], 0.1, 0.1, 0) == []
    assert grouped_splits([], 0.1, 0.1, 0) == []


def test_votes_and_labels_stand_side_by_side(tmp_path: Path, dest: Path) -> None:
    ferplus = make_checkout(tmp_path / "FERPlus", [*ROWS, ("Training", "007.png", SAD)])
    mine = make_images(tmp_path / "mine", {"happy": 10, "sadness": 10})
    more = make_images(tmp_path / "more", {"sad": 10, "anger": 10})
    summary = prepare_data([ferplus, mine, more], dest).summary
    assert summary["source"] == "ferplus, folders, folders-2"
    found = rows(dest)
    assert Counter(row["source"] for row in found) == {"ferplus": 8, "folders": 20, "folders-2": 20}
    assert len({row["path"] for row in found}) == len(found) == 48
    assert len([path for path in tree(dest) if path.endswith(".png")]) == 48
    by_source = {row["source"]: row for row in found if row["label"] == "happy"}
    assert by_source["folders"]["votes_happy"] == "10"
    data = read_prepared(dest)
    hard = data.examples("train", "majority")
    assert hard.targets.sum() == len(hard.paths)
    assert not prepare_data([ferplus, mine, more], dest).changed
    with pytest.raises(DataError, match="choose another --out"):
        prepare_data([ferplus, mine], dest)


def test_own_labels_cannot_stand_beside_votes(tmp_path: Path, dest: Path) -> None:
    ferplus = make_checkout(tmp_path / "FERPlus")
    mine = make_images(tmp_path / "mine", {"bored": 10, "happy": 10})
    with pytest.raises(ConfigError, match="'bored' cannot stand beside the votes"):
        prepare_data([ferplus, mine], dest, reading=Reading(keep_labels=True))


@pytest.mark.parametrize("link", ["hard", "symlink"])
def test_linked_images_are_those_of_the_source(tmp_path: Path, dest: Path, link: str) -> None:
    root = make_checkout(tmp_path / "FERPlus")
    prepare_data(root, tmp_path / "copied")
    prepare_data(root, dest, link=link)
    ours, theirs = tree(dest), tree(tmp_path / "copied")
    del ours["summary.json"], theirs["summary.json"]
    assert ours == theirs
    original = root / "output/FER2013Train/fer0000000.png"
    image = dest / "train/happy/fer0000000.png"
    assert image.is_symlink() == (link == "symlink")
    assert image.samefile(original)
    assert not prepare_data(root, dest, link=link).changed
    assert read_prepared(dest).examples("train").paths[0].read_bytes() == picture(0)
    # Replacing the tree takes the links away, not what they lead to.
    before = tree(root)
    prepare_data(root, dest, overwrite=True)
    assert not image.samefile(original)
    assert tree(root) == before


@pytest.mark.parametrize("link", ["hard", "symlink"])
def test_a_link_to_a_link_leads_to_the_image(
    tmp_path: Path, dest: Path, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_images(tmp_path / "mine", {"happy": 2, "sad": 2})
    (root / "happy" / "link.png").symlink_to("../sad/001.png")
    monkeypatch.chdir(tmp_path)
    prepare_data(Path("mine"), dest, link=link, reading=Reading(validation=0, test=0))
    image = dest / "train/happy/link.png"
    assert image.is_symlink() == (link == "symlink")
    assert image.samefile(root / "sad" / "001.png")
    (root / "happy" / "link.png").unlink()
    assert image.read_bytes() == picture(1)


def test_a_link_whose_image_is_gone_is_mended(tmp_path: Path, dest: Path) -> None:
    root = make_checkout(tmp_path / "FERPlus")
    prepare_data(root, dest, link="symlink")
    (root / "output/FER2013Train/fer0000000.png").unlink()
    assert prepare_data(root, dest, link="symlink").changed
    assert not (dest / "train/happy/fer0000000.png").is_symlink()


def test_an_unknown_link_is_refused(tmp_path: Path, dest: Path) -> None:
    with pytest.raises(ConfigError, match="unknown way to link 'soft'"):
        prepare_data(make_checkout(tmp_path / "x"), dest, link="soft")


def test_csv_text_is_what_ferplus_writes(tmp_path: Path) -> None:
    # With a byte order mark and CRLF, as spreadsheets save it.
    root = make_checkout(tmp_path / "FERPlus")
    text = csv_text(ROWS).replace("\n", "\r\n")
    (root / "fer2013new.csv").write_text("\ufeff" + text, encoding="utf-8", newline="")
    source = read_source(root)
    assert source.names == [name for _, name, _ in ROWS if name]
