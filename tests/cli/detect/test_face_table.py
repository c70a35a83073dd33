import pytest
from helpers.example_records import FACE, LABELS, RECORDS, SUMMARY

from emorec.cli.detect import face_table
from emorec.cli.detect.face_table import FaceTable, clock, video_lines
from emorec.outputs.records import image_record


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00.0"), (59.96, "1:00.0"), (61.25, "1:01.2"), (3600, "1:00:00.0")],
)
def test_clock(seconds: float, text: str):
    assert clock(seconds) == text


def test_the_table(capsys):
    table = FaceTable(["a.jpg", "none.jpg", "x\x1b.jpg"], LABELS)
    assert capsys.readouterr().out == ""
    for record in (*RECORDS[:2], image_record("x\x1b.jpg", (9, 9), [FACE])):
        table.show(record)
    header, first, second, none, odd = capsys.readouterr().out.splitlines()
    assert header.split() == ["file", "face", "box", "emotion", "confidence"]
    assert first.split() == ["a.jpg", "1", "1,2", "3x4", "happy", "75.0%"]
    assert second.split() == ["a.jpg", "2", "-5,0", "30x40", "sad", "87.5%"]
    assert none.split() == ["none.jpg", "-", "no", "face"]
    assert odd.split()[0] == "x?.jpg"
    assert first.index("happy") == second.index("sad") == header.index("emotion")


def test_the_summary_of_a_video():
    first, header, face = video_lines(SUMMARY)
    assert first == "clip.mp4: 1 frames, 0.0 s, 1 face"
    assert header.split() == ["face", "from-to", "visible", "mostly", "changes"]
    assert face.split() == ["7", "0:00.5-0:00.5", "0.0", "s", "sad", "100%", "0"]
    assert list(video_lines({**SUMMARY, "tracks": []})) == ["clip.mp4: 1 frames, 0.0 s, no faces"]


def test_the_faces_visible_for_longest_are_listed(monkeypatch):
    monkeypatch.setattr(face_table, "_TRACKS", 2)
    (track,) = SUMMARY["tracks"]
    tracks = [{**track, "id": id_, "seconds": seconds} for id_, seconds in [(1, 1), (2, 3), (3, 2)]]
    lines = list(video_lines({**SUMMARY, "tracks": tracks}))
    assert [line.split()[0] for line in lines[2:4]] == ["2", "3"]
    assert lines[4] == "  and 1 more, visible for a shorter time"
