import hashlib
from pathlib import Path

import pytest
from helpers.example_records import LABELS, ExampleModel
from helpers.example_sessions import HAPPY, IMAGE, SAD, Shot, face_of, record, shots

from emorec.errors import DataError
from emorec.frames import Frame
from emorec.outputs.session.derived_files import write_session_files
from emorec.outputs.session.frame_table import read_frames
from emorec.outputs.session.recorder import SessionRecorder, prepare_folder, session_names
from emorec.outputs.session.session_file import Derivation, read_session


def rows(folder: Path) -> list[tuple[int, float, list[str]]]:
    frames = read_frames(folder / "frames.csv", LABELS)
    return [
        (frame.number, frame.duration_s, [face.person for face in frame.faces]) for frame in frames
    ]


def test_frames_last_until_the_next_one_and_gaps_count_as_one_frame(tmp_path: Path):
    times = [Shot(0.0, {1: HAPPY}), Shot(0.1), Shot(0.4, {1: SAD}), Shot(5.0, {2: SAD})]
    record(tmp_path, {"a.avi": times}, fps=10)
    assert rows(tmp_path) == [
        (0, 0.1, ["a.avi-1"]),
        (1, 0.3, []),
        (2, 0.1, ["a.avi-1"]),
        (3, 0.1, ["a.avi-2"]),
    ]


def test_values_of_a_face(tmp_path: Path):
    record(tmp_path, {"a.avi": [Shot(0.0, {2: HAPPY}, detected=False)]})
    (frame,) = read_frames(tmp_path / "frames.csv", LABELS)
    (face,) = frame.faces
    assert not frame.detected
    assert (face.id, face.box, face.score, face.emotion) == (2, (20, 5, 8, 8), 0.9, "happy")
    assert (face.confidence, face.probabilities, face.size) == (0.75, HAPPY, 8.0)
    assert face.sharpness > 1


def test_session_json_describes_the_run(tmp_path: Path):
    clip = tmp_path / "a.avi"
    clip.write_bytes(b"video")
    folder = tmp_path / "out"
    sources = {str(clip): shots(10, {1: HAPPY}), "rtsp://user:secret@host/live": shots(10, {})}
    record(folder, sources, command=["emorec"], settings={"every": 1}, max_gap_s=2.0)
    session = read_session(folder)
    assert (session.status, session.labels, session.max_gap_s) == ("complete", LABELS, 2.0)
    assert (
        session.model["sha256"]
        == hashlib.sha256(Path(record.__code__.co_filename).read_bytes()).hexdigest()
    )
    assert session.settings == {"every": 1, "detector": "yunet", "device": "cpu"}
    video, stream = session.videos
    assert (video.name, video.path, video.bytes) == ("a.avi", str(clip), 5)
    assert video.sha256 == hashlib.sha256(b"video").hexdigest()
    assert (video.fps, video.frame_s, video.width, video.frames) == (10, 0.1, 64, 1)
    assert (stream.name, stream.source, stream.path) == ("live", "rtsp://host/live", None)
    assert "secret" not in (folder / "session.json").read_text()


def test_rows_are_written_at_once_and_a_killed_run_is_a_session(tmp_path: Path):
    recorder = SessionRecorder(tmp_path, ["a.avi"], ExampleModel(), Path(__file__))
    with recorder:
        recorder.begin_video(0)
        for number in range(3):
            frame = Frame(IMAGE, (64, 48), number, number / 10)
            recorder.add(frame, [face_of(1, HAPPY)], True, 10)
        assert [number for number, *_ in rows(tmp_path)] == [0, 1]
        assert read_session(tmp_path).status == "running"
    assert [number for number, *_ in rows(tmp_path)] == [0, 1, 2]


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "interrupted"), (DataError, "failed")]
)
def test_what_ends_a_run_early_is_noted(tmp_path: Path, error: type, status: str):
    recorder = SessionRecorder(tmp_path, ["a.avi"], ExampleModel(), Path(__file__))

    def interrupted() -> None:
        with recorder:
            recorder.begin_video(0)
            recorder.add(Frame(IMAGE, (64, 48), 0, 0.0), [face_of(1, SAD)], True, 10)
            raise error

    with pytest.raises(error):
        interrupted()
    assert read_session(tmp_path).status == status
    assert rows(tmp_path) == [(0, 0.1, ["a.avi-1"])]


def test_names_that_are_known_already(tmp_path: Path):
    derivation = Derivation(persons={("a.avi", 1): "Anna"})
    record(tmp_path, {"a.avi": shots(10, {1: HAPPY, 2: SAD})}, derivation=derivation)
    assert rows(tmp_path) == [(0, 0.1, ["Anna", "a.avi-2"])]


@pytest.mark.parametrize(
    ("sources", "names"),
    [
        ([], []),
        (["x/a.mp4", "y/a.mp4", "y/A.mp4"], ["a.mp4", "a-2.mp4", "A-3.mp4"]),
        (["0", "rtsp://host/live.sdp?x=1"], ["camera-0", "live"]),
        (["a\nb\t.mp4"], ["a\\nb?.mp4"]),
        (["x" * 200 + ".mp4"], ["x" * 96 + ".mp4"]),
    ],
)
def test_names_of_videos(sources: list[str], names: list[str]):
    assert session_names(sources) == names


def test_a_new_folder_an_empty_one_and_an_earlier_session(tmp_path: Path):
    folder = tmp_path / "new" / "out"
    prepare_folder(folder)
    prepare_folder(folder)
    record(folder, {"a.avi": shots(10, {1: HAPPY})})
    prepare_folder(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", ["notes.txt", "bins.csv", "session.json"])
def test_other_content_is_refused_and_kept(tmp_path: Path, name: str):
    (tmp_path / name).write_text("{}")
    with pytest.raises(DataError, match=name):
        prepare_folder(tmp_path)
    assert (tmp_path / name).read_text() == "{}"


def test_other_files_beside_an_earlier_session_are_kept(tmp_path: Path):
    record(tmp_path, {"a.avi": shots(10, {1: HAPPY})})
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match=r"notes\.txt"):
        prepare_folder(tmp_path)
    assert (tmp_path / "frames.csv").exists()


def test_a_file_in_place_of_the_folder(tmp_path: Path):
    (tmp_path / "out").write_text("")
    with pytest.raises(DataError, match="cannot be used"):
        prepare_folder(tmp_path / "out")


def test_a_file_of_another_name(tmp_path: Path):
    uploaded = tmp_path / "1234.tmp"
    uploaded.write_bytes(b"video")
    recorder = SessionRecorder(tmp_path, ["talk.mp4"], ExampleModel(), Path(__file__))
    with recorder:
        recorder.begin_video(0, uploaded)
    (video,) = read_session(tmp_path).videos
    assert (video.name, video.source, video.path) == ("talk.mp4",) * 3
    assert video.sha256 == hashlib.sha256(b"video").hexdigest()
    assert "1234" not in (tmp_path / "session.json").read_text()


def test_nobody_else_writes_to_a_session_that_is_recorded(tmp_path: Path):
    recorder = SessionRecorder(tmp_path, ["a.avi"], ExampleModel(), Path(__file__))
    with recorder:
        for write in (prepare_folder, write_session_files):
            with pytest.raises(DataError, match="another emorec writes this session"):
                write(tmp_path)
        elsewhere = tmp_path.parent / f"{tmp_path.name}-copy"
        elsewhere.mkdir()
        assert write_session_files(tmp_path, destination=elsewhere).people == ()
    write_session_files(tmp_path)
    (tmp_path / ".session-lock").touch()  # as a killed run leaves it
    prepare_folder(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.name != ".session-lock"] == []
