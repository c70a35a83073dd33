from pathlib import Path

import click
import pytest

from emorec.cli.overwriting import refuse_overwriting, require_file_path, require_suffix


def test_a_path_in_an_existing_folder_can_be_a_file(tmp_path: Path):
    require_file_path("--json-file", tmp_path / "new.json")
    (tmp_path / "old.json").touch()
    require_file_path("--json-file", tmp_path / "old.json")


@pytest.mark.parametrize("place", [".", "missing/new.json"])
def test_a_path_that_cannot_be_a_file(tmp_path: Path, place: str):
    with pytest.raises(click.UsageError) as caught:
        require_file_path("--json-file", tmp_path / place)
    assert caught.value.message == (
        f"--json-file: {tmp_path / place} cannot be a file; name a file in an existing folder"
    )


def test_distinct_outputs_are_accepted(tmp_path: Path):
    refuse_overwriting([], [], "")
    refuse_overwriting([tmp_path / "a", tmp_path / "b"], [tmp_path / "c"], "")


@pytest.mark.parametrize(
    "output",
    [
        "photo.jpg",
        "./photo.jpg",
        "symbolic.jpg",
        "hard.jpg",
        "new.jpg",
    ],
)
def test_an_output_that_is_an_input_or_another_output(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str
):
    monkeypatch.chdir(tmp_path)
    photo = Path("photo.jpg")
    photo.touch()
    Path("symbolic.jpg").symlink_to(photo)
    Path("hard.jpg").hardlink_to(photo)
    with pytest.raises(click.UsageError, match=r"would be written over .*; choose other names"):
        refuse_overwriting([Path("new.jpg"), Path(output)], [photo], "choose other names")


def test_the_suffix_of_another_format():
    require_suffix("--plot", Path("a.png"), (".png",))
    with pytest.raises(click.UsageError) as caught:
        require_suffix("--plot", Path("d/a.jpg"), (".png",))
    assert caught.value.message == (
        "--plot: d/a.jpg: the suffix .jpg belongs to another format; name it a.png"
    )
