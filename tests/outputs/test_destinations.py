from pathlib import Path

import pytest
from helpers.example_records import LABELS, RECORDS, ExampleModel

from emorec.errors import ConfigError
from emorec.media.sources import MediaSource
from emorec.outputs.destinations import OutputSettings
from emorec.outputs.marked_images import FaceCrops, MarkedImages

IMAGE = MediaSource("in/a.jpg", "a")
LISTED = MediaSource("in/b.jpg", "b", listed=True)
VIDEO = MediaSource("in/c.avi", "c", is_video=True)
LISTED_VIDEO = MediaSource("in/d.mp4", "d", listed=True, is_video=True)
STREAM = MediaSource("rtsp://host/e", "e", is_video=True)


@pytest.mark.parametrize(
    ("settings", "sources", "expected"),
    [
        (OutputSettings(), [], Path()),
        (OutputSettings(), [IMAGE], Path()),
        (OutputSettings(), [IMAGE, LISTED], None),
        (OutputSettings(folder=Path("out")), [LISTED], Path("out")),
        (OutputSettings(save=False), [IMAGE], None),
        (OutputSettings(folder=Path("out"), save=False), [IMAGE], None),
    ],
)
def test_the_folder_of_annotated_images(settings, sources, expected):
    assert settings.image_folder(sources) == expected


@pytest.mark.parametrize(
    ("source", "by_default"), [(VIDEO, Path()), (LISTED_VIDEO, None), (STREAM, None)]
)
def test_the_folder_of_an_annotated_video(source, by_default):
    assert OutputSettings().video_folder(source) == by_default
    assert OutputSettings(folder=Path("out")).video_folder(source) == Path("out")
    assert OutputSettings(folder=Path("out"), save=False).video_folder(source) is None


@pytest.mark.parametrize(
    ("settings", "sources", "expected"),
    [
        (OutputSettings(), [], False),
        (OutputSettings(), [IMAGE], True),
        (OutputSettings(), [LISTED, LISTED_VIDEO, STREAM], False),
        (OutputSettings(), [VIDEO], True),
        (OutputSettings(folder=Path("out")), [STREAM], True),
        (OutputSettings(folder=Path("out")), [LISTED], True),
        (OutputSettings(folder=Path("out"), save=False), [IMAGE, VIDEO], False),
    ],
)
def test_whether_faces_are_drawn(settings, sources, expected):
    assert settings.draws(sources) is expected


def test_the_files_that_will_be_written():
    settings = OutputSettings({"json": "a.json", "csv": "-"}, folder=Path("out"))
    assert settings.files([IMAGE, VIDEO, STREAM]) == [
        Path("a.json"),
        *(
            Path("out") / f"{name}-emotions.{suffix}"
            for name, suffix in [("a", "jpg"), ("c", "avi")]
        ),
        Path("out/e-emotions.mp4"),
    ]
    assert OutputSettings(save=False).files([IMAGE, VIDEO]) == []


def test_image_outputs_and_their_folders(tmp_path: Path):
    marked, crops = tmp_path / "new" / "marked", tmp_path / "crops"
    settings = OutputSettings(folder=marked, bars=True, landmarks=True, crops=crops)
    outputs = settings.image_outputs([LISTED], 0.25)
    images = MarkedImages(marked, bars=True, landmarks=True)
    assert outputs == [images, FaceCrops(crops, 0.25)]
    assert settings.image_outputs([LISTED], 0.25, align=True)[1] == FaceCrops(crops, 0.25, True)
    assert marked.is_dir()
    assert crops.is_dir()
    assert OutputSettings(save=False).image_outputs([LISTED], 0.25) == []


def test_standard_output_is_no_file():
    settings = OutputSettings({"jsonl": "-", "csv": "a.csv"})
    assert settings.record_files == {"csv": Path("a.csv")}
    assert settings.prints_records
    assert not OutputSettings({"csv": "a.csv"}).prints_records


def test_writers(tmp_path: Path):
    settings = OutputSettings({"json": str(tmp_path / "a"), "csv": str(tmp_path / "b")})
    assert len(settings.writers(ExampleModel())) == 2
    assert OutputSettings().writers(ExampleModel()) == []
    with pytest.raises(ConfigError):
        OutputSettings({"xml": "a"}).writers(ExampleModel())


def test_the_remaining_sources(tmp_path: Path):
    sources = [MediaSource(record["source"], "x") for record in RECORDS]
    records = {"jsonl": str(tmp_path / "a.jsonl")}
    assert OutputSettings(records).remaining(sources, LABELS) == (sources, False)
    with OutputSettings(records).writers(ExampleModel())[0] as writer:
        for record in RECORDS:
            writer.add(record)
    resumed = OutputSettings(records, resume=True).remaining(sources, LABELS)
    assert resumed == (sources[-1:], True)
