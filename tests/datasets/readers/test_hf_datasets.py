"""Data sets of Hugging Face datasets, in Parquet files that the tests write with pyarrow."""

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.checkouts import counts, manifest_rows, noise_png

from emorec.datasets.prepare import prepare_data
from emorec.datasets.readers.registry import read_source
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import ConfigError, DataError

pytestmark = pytest.mark.slow  # datasets takes seconds to import

CLASS_NAMES = ("Angry", "happiness", "sad")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keeps what datasets converts out of the user's cache."""
    import datasets
    import huggingface_hub

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "hf-cache/datasets")
    monkeypatch.setattr(huggingface_hub.constants, "HF_HOME", str(tmp_path / "hf-cache"))
    return tmp_path / "hf-cache"


def features(**columns: Any) -> dict[bytes, bytes]:
    """The schema metadata by which datasets knows the types of columns."""
    import json

    return {b"huggingface": json.dumps({"info": {"features": columns}}).encode()}


LABEL = {"names": list(CLASS_NAMES), "_type": "ClassLabel"}
IMAGE = {"_type": "Image"}


def write_parquet(file: Path, columns: dict[str, Any], **types: Any) -> None:
    table = pa.table(columns)
    if types:
        table = table.replace_schema_metadata(features(**types))
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, file)


def image_cells(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"bytes": noise_png(first + number), "path": None} for number in range(count)]


def make_set(root: Path) -> Path:
    """A data set with 30 images of train, six of test, and people."""
    for split, count in (("train", 30), ("test", 6)):
        write_parquet(
            root / f"data/{split}-00000-of-00001.parquet",
            {
                "image": image_cells(count),
                "label": [number % 3 for number in range(count)],
                "person": [f"{split}{number // 3}" for number in range(count)],
            },
            image=IMAGE,
            label=LABEL,
            person={"dtype": "string", "_type": "Value"},
        )
    (root / "README.md").write_text("---\n---\n")
    return root


def test_a_folder_is_prepared(tmp_path: Path, dest: Path) -> None:
    root = make_set(tmp_path / "set")
    (root / "extra.txt").write_text("x")
    prepared = prepare_data(Path(f"hf:{root}"), dest)
    assert counts(dest) == {
        "train": {"angry": 9, "happy": 9, "sad": 9},
        "validation": {"angry": 1, "happy": 1, "sad": 1},
        "test": {"angry": 2, "happy": 2, "sad": 2},
    }
    assert prepared.summary["source"] == "hf"
    assert prepared.notices == ["left out: 1 .txt"]
    (row,) = [row for row in manifest_rows(dest) if row["path"] == "test/happy/000004.png"]
    assert (dest / row["path"]).read_bytes() == noise_png(4)
    assert not prepare_data(Path(f"hf:{root}"), dest).changed


def test_a_column_is_the_group(tmp_path: Path) -> None:
    place = Path(f"hf:{make_set(tmp_path / 'set')}")
    rows = read_source(place, ReadOptions(group_by="column:person"))
    assert len({*zip(rows.groups or (), rows.usages, strict=True)}) == 12
    with pytest.raises(ConfigError, match="no such column; its columns are person"):
        read_source(place, ReadOptions(group_by="column:name"))


def test_one_split_is_split(tmp_path: Path) -> None:
    write_parquet(tmp_path / "set/x.parquet", {"img": image_cells(30), "emotion": ["joy"] * 30})
    rows = read_source(Path(f"hf:{tmp_path / 'set/x.parquet'}"), ReadOptions(test=0.2))
    assert Counter(rows.usages) == {"train": 21, "held-out": 3, "test": 6}
    assert set(rows.labels or ()) == {"happy"}


def test_bytes_without_the_types_of_datasets(tmp_path: Path) -> None:
    write_parquet(
        tmp_path / "set/x.parquet",
        {
            "image": [noise_png(1), None, b"\xff\xd8\xff\xe0", b""],
            "label": ["sad", "", None, "sad"],
        },
    )
    rows = read_source(Path(f"hf:{tmp_path / 'set'}"), ReadOptions(validation=0, test=0))
    assert rows.labels == ["sad", "", "", "sad"]
    assert rows.names == [
        f"train/00000{row}.{end}" for row, end in enumerate(("png", "png", "jpg", "png"))
    ]
    first, missing, _, empty = rows.images
    assert first is not None
    assert first.read() == noise_png(1)
    assert missing is None
    assert empty is not None
    with pytest.raises(DataError, match="row 4: the file is empty"):
        empty.read()


def test_a_path_in_a_cell_stays_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret.png").write_bytes(noise_png(1))
    (tmp_path / "set").mkdir()
    (tmp_path / "set/inside.png").write_bytes(noise_png(2))
    (tmp_path / "set/link.png").symlink_to(tmp_path / "secret.png")
    paths = ["inside.png", "../secret.png", str(tmp_path / "secret.png"), "link.png", "none.png"]
    cells = [{"bytes": None, "path": path} for path in paths]
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    write_parquet(
        tmp_path / "set/x.parquet",
        {"image": pa.array(cells, struct), "label": [0] * 5},
        image=IMAGE,
        label=LABEL,
    )
    rows = read_source(Path(f"hf:{tmp_path / 'set'}"))
    inside, *others = rows.images
    assert inside is not None
    assert inside.read() == noise_png(2)
    assert others == [None] * 4
    note = "images that are given by a path out of the data set are not used: 4"
    assert rows.notes == [note]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"text": ["a"]}, "needs one column of images; found none among text"),
        (
            {"image": [b"x"], "label": [3]},
            "needs one column of class labels, or of text named label",
        ),
        ({"a": [b"x"], "b": [b"x"], "label": ["sad"]}, "needs one column of images; found a, b"),
        ({"image": [b"x"], "label": ["glee"]}, "unknown emotion name 'glee'.*--keep-labels"),
    ],
)
def test_other_tables_are_refused(tmp_path: Path, columns: dict[str, Any], message: str) -> None:
    write_parquet(tmp_path / "set/x.parquet", columns)
    with pytest.raises(DataError, match=message):
        read_source(Path(f"hf:{tmp_path / 'set'}"))


def test_labels_of_one_s_own_are_kept(tmp_path: Path) -> None:
    write_parquet(tmp_path / "set/x.parquet", {"image": [b"x"] * 2, "label": ["glee", "calm"]})
    rows = read_source(Path(f"hf:{tmp_path / 'set'}"), ReadOptions(keep_labels=True))
    assert rows.labels == ["glee", "calm"]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + bytes(range(100)) + b"PAR1"])
def test_a_broken_table_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.parquet: not a Parquet file"):
        read_source(Path(f"hf:{tmp_path}"))


def test_a_large_table_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emorec.datasets.readers.hf_tables.MAX_ROWS", 29)
    make_set(tmp_path / "set")
    with pytest.raises(DataError, match=r"has 30 rows and 0\.0 GiB; the limit is 29 rows"):
        read_source(Path(f"hf:{tmp_path / 'set'}"))


def test_a_name_is_loaded_from_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    (tmp_path / "owner").mkdir()
    local = make_set(tmp_path / "set")
    files = {"eval": [str(next(local.rglob("test-*.parquet")))]}
    loaded = datasets.load_dataset("parquet", data_files=files)
    calls = []
    monkeypatch.setattr(
        "huggingface_hub.HfApi.dataset_info", lambda *_, **options: calls.append(options)
    )
    monkeypatch.setattr(
        datasets, "load_dataset", lambda *words, **options: calls.append((words, options)) or loaded
    )
    rows = read_source(Path("hf:owner/set@v1"), ReadOptions(test=0))
    assert calls == [
        {"revision": "v1", "timeout": 30},
        (("owner/set",), {"revision": "v1"}),
    ]
    assert rows.usages == ["validation"] * 6
    assert rows.names[0] == "eval/000000.png"


def test_a_hub_out_of_reach_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("huggingface_hub.HfApi.dataset_info", fail)
    with pytest.raises(DataError, match=r"^hf:owner/set: cannot reach the .* \(no network\)"):
        read_source(Path("hf:owner/set"))


def test_a_layout_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="has no layout; omit --layout csv"):
        read_source(Path(f"hf:{tmp_path}"), ReadOptions(layout="csv"))
