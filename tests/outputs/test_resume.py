"""A run killed at any byte and resumed leaves the same files as an uninterrupted one."""

from collections import Counter
from pathlib import Path

import pytest
from helpers.example_records import FACE, LABELS, ExampleModel
from hypothesis import given, settings
from hypothesis import strategies as st

from emorec.errors import ConfigError, DataError
from emorec.media.sources import MediaSource
from emorec.outputs.formats import FORMATS, open_writer
from emorec.outputs.records import image_record
from emorec.outputs.resume import resume

BATCH = {
    "a.jpg": [image_record("a.jpg", (640, 480), [FACE, FACE])],
    "none.jpg": [image_record("none.jpg", (64, 48), [])],
    'bad\n\udcff,".jpg': [image_record('bad\n\udcff,".jpg', None, [], error="bad")],
    "move.gif": [
        image_record("move.gif", (4, 4), [FACE] * (n % 3), frame=n, time_s=n / 10) for n in range(5)
    ],
    **{
        name: [image_record(name, (64, 48), [FACE])]
        for name in ("=1+1.jpg", "'=1+1.jpg", "-x.jpg", "@y.jpg", "\tz.jpg", "-")
    },
    "é.jpg": [image_record("é.jpg", (64, 48), [FACE])],
}
"""Records by the name of their source."""

NAMES = [*BATCH, "a.jpg", "a.jpg"]
SOURCES = [MediaSource(name, name) for name in NAMES]
RESUMABLE = [row.name for row in FORMATS.values() if row.resumes]


def write_all(folder: Path, sources=SOURCES, resumed: bool = False) -> dict[str, Path]:
    files = {name: folder / f"x.{name}" for name in RESUMABLE}
    for name, path in files.items():
        with open_writer(name, path, ExampleModel(), resumed) as writer:
            for source in sources:
                for record in BATCH[source.name]:
                    writer.add(record)
    return files


def test_nothing_to_resume(tmp_path: Path):
    files = {name: tmp_path / name for name in RESUMABLE}
    assert resume(SOURCES, files, LABELS) == (SOURCES, False)
    assert list(tmp_path.iterdir()) == []


@given(shares=st.tuples(*[st.floats(0, 1)] * len(RESUMABLE)))
def test_killed_anywhere(tmp_path_factory, shares: tuple[float, ...]):
    folder = tmp_path_factory.mktemp("killed")
    files = write_all(folder)
    complete = {name: path.read_bytes() for name, path in files.items()}
    for name, share in zip(files, shares, strict=True):
        files[name].write_bytes(complete[name][: int(share * len(complete[name]))])
    remaining, failed = resume(SOURCES, files, LABELS)
    done = len(SOURCES) - len(remaining)
    assert remaining == SOURCES[done:]
    assert failed == (done > 2)
    write_all(folder, remaining, resumed=True)
    assert {name: path.read_bytes() for name, path in files.items()} == complete


@pytest.mark.parametrize("name", RESUMABLE)
def test_one_file_alone(tmp_path: Path, name: str):
    path = write_all(tmp_path)[name]
    complete = path.read_bytes()
    assert resume(SOURCES, {name: path}, LABELS) == (SOURCES[-1:], True)
    assert complete.startswith(path.read_bytes())


@settings(max_examples=30)
@given(order=st.permutations(range(len(SOURCES))), count=st.integers(0, len(SOURCES)))
def test_sources_in_another_order(tmp_path_factory, order: list[int], count: int):
    folder = tmp_path_factory.mktemp("mixed")
    done = [SOURCES[place] for place in order[:count]]
    files = write_all(folder, done)
    kept = Counter(source.name for source in done[:-1])
    expected = []
    for source in SOURCES:
        if kept[source.name]:
            kept[source.name] -= 1
        else:
            expected.append(source)
    assert resume(SOURCES, files, LABELS)[0] == expected


def test_the_rest_of_a_longer_file_is_checked(tmp_path: Path):
    files = write_all(tmp_path)
    files["csv"].write_bytes(b"")
    with files["jsonl"].open("ab") as file:
        file.write(b"text\n")
    size = files["jsonl"].stat().st_size
    with pytest.raises(DataError, match="did not write the line"):
        resume(SOURCES, files, LABELS)
    assert files["jsonl"].stat().st_size == size


@pytest.mark.parametrize("name", RESUMABLE)
@pytest.mark.parametrize("content", [b"text\n", b"{}\n"])
def test_a_file_of_another_kind_is_left_as_it_is(tmp_path: Path, name: str, content: bytes):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(DataError):
        resume(SOURCES, {name: path}, LABELS)
    assert path.read_bytes() == content


@pytest.mark.parametrize("files", [{}, {"json": Path("a.json")}, {"xml": Path("a.xml")}])
def test_formats_that_cannot_resume(files):
    with pytest.raises(ConfigError):
        resume(SOURCES, files, LABELS)
