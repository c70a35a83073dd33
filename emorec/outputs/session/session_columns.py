"""Lists the columns of every table of a session: headers and codebook are both made from this."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

FRAMES = "frames.csv"
BINS = "bins.csv"
PEOPLE = "people.csv"
EVENTS = "events.tsv"
OPENFACE = "openface.csv"

_EMOTION = "EMOTION"
"""Part of a name in place of which each emotion is put; "probability of EMOTION" in a meaning."""

TEXT, INTEGER, NUMBER, BOOLEAN = "text", "integer", "number", "true or false"


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: Its name in the header.
        unit: Unit of its values; "" for none.
        type: One of `TEXT`, `INTEGER`, `NUMBER` and `BOOLEAN`.
        meaning: What the values mean.
        baseline: The table has the column only if a baseline is set.
    """

    name: str
    unit: str
    type: str
    meaning: str
    baseline: bool = False

    def of(self, emotion: str) -> "Column":
        """Return the column of an emotion."""
        return replace(
            self,
            name=self.name.replace(_EMOTION, emotion),
            meaning=self.meaning.replace(_EMOTION, emotion),
        )


def _column(name: str, unit: str, type_: str, meaning: str, baseline: bool = False) -> Column:
    return Column(name, unit, type_, meaning, baseline)


_VIDEO = _column("video", "", TEXT, "name of the video, as in session.json")
_PERSON = _column(
    "person", "", TEXT, "name of the person, as assigned; without one, VIDEO-ID of the tracked face"
)
_BOX = (
    _column("x", "pixel", INTEGER, "left edge of the face's box in the full, upright frame"),
    _column("y", "pixel", INTEGER, "top edge of the box"),
    _column("box_width", "pixel", INTEGER, "width of the box"),
    _column("box_height", "pixel", INTEGER, "height of the box"),
)
_DETECTED = _column(
    "detected",
    "",
    BOOLEAN,
    "faces were detected in this frame; false: they were tracked from the last detection, and keep "
    "its score and probabilities",
)
_TOP = _column("emotion", "", TEXT, "the most probable emotion, from the smoothed probabilities")
_UNCERTAIN = _column(
    "uncertain", "", BOOLEAN, "the confidence is below the setting --min-confidence"
)
_QUALITY = (
    _column(
        "face_size",
        "pixel",
        NUMBER,
        "square root of the area of the box; below about 48, probabilities are less reliable",
    ),
    _column(
        "sharpness",
        "grey level squared",
        NUMBER,
        "variance of the Laplacian of the face, scaled to 64 x 64 pixels, grey (Pech-Pacheco et "
        "al., Diatom autofocusing in brightfield microscopy, ICPR 2000). Relative: compare it only "
        "within a recording",
    ),
)
_PROBABILITY = _column("EMOTION", "0 to 1", NUMBER, "smoothed probability of EMOTION")

_MEAN = _column("mean_EMOTION", "0 to 1", NUMBER, "mean probability of EMOTION, weighted by time")
_SHARE = _column(
    "share_EMOTION", "0 to 1", NUMBER, "share of the time seen in which EMOTION was the top emotion"
)
_DIFFERENCE = _column(
    "diff_EMOTION",
    "-1 to 1",
    NUMBER,
    "mean_EMOTION minus the mean of the same person in the same video within the baseline; empty "
    "if the person was not seen there",
    baseline=True,
)

_TABLES: dict[str, tuple[Column, ...]] = {
    FRAMES: (
        _VIDEO,
        _PERSON,
        _column("id", "", INTEGER, "number of the tracked face in the video, from 1"),
        _column("frame", "", INTEGER, "number of the frame in the video, from 0"),
        _column("time_s", "second", NUMBER, "time at which the frame is shown"),
        _column(
            "duration_s",
            "second",
            NUMBER,
            "how long the frame is shown: until the next analysed one; one frame length if nothing "
            "was received for longer than --max-gap, and for the last frame",
        ),
        *_BOX,
        _column("detector", "", TEXT, "name of the detector; track for a face tracked in between"),
        _column(
            "detector_score",
            "",
            NUMBER,
            "the detector's own score; the level weight of a cascade is not a probability",
        ),
        _DETECTED,
        _TOP,
        _column("confidence", "0 to 1", NUMBER, "probability of that emotion"),
        _UNCERTAIN,
        *_QUALITY,
        _PROBABILITY,
    ),
    BINS: (
        _VIDEO,
        _PERSON,
        _column("bin", "", INTEGER, "number of the bin, from 0 at the start of the video"),
        _column("start_s", "second", NUMBER, "start of the bin"),
        _column("end_s", "second", NUMBER, "end of the bin; the last one ends with the video"),
        _column("seen_s", "second", NUMBER, "time in the bin in which the person was seen"),
        _column("coverage", "0 to 1", NUMBER, "share of the bin in which the person was seen"),
        _column(
            "frames", "", INTEGER, "number of frames that begin in the bin and show the person"
        ),
        _MEAN,
        _column("peak_EMOTION", "0 to 1", NUMBER, "highest probability of EMOTION in the bin"),
        _SHARE,
        _DIFFERENCE,
    ),
    PEOPLE: (
        _PERSON,
        _column(
            "video",
            "",
            TEXT,
            "name of the video; (all) in the row that sums up a person of several videos",
        ),
        _column("ids", "", TEXT, "numbers of the tracked faces that the person consists of"),
        _column("first_s", "second", NUMBER, "begin of the first frame that shows the person"),
        _column("last_s", "second", NUMBER, "end of the last frame that shows the person"),
        _column("seen_s", "second", NUMBER, "time for which the person was seen"),
        _column(
            "missing_s", "second", NUMBER, "time between first_s and last_s without the person"
        ),
        _column("unseen_s", "second", NUMBER, "time of the whole video without the person"),
        _column("frames", "", INTEGER, "number of frames that show the person"),
        _column("emotion", "", TEXT, "the emotion that was the top one for longest"),
        _column("changes", "", INTEGER, "how often the top emotion changed"),
        _column("changes_per_minute", "1 / minute", NUMBER, "changes per minute seen"),
        _column("mean_confidence", "0 to 1", NUMBER, "mean confidence, weighted by time"),
        _column("uncertain_share", "0 to 1", NUMBER, "share of the time seen that is uncertain"),
        _column("mean_face_size", "pixel", NUMBER, "mean face_size, weighted by time"),
        _column("mean_sharpness", "grey level squared", NUMBER, "mean sharpness, weighted by time"),
        _MEAN,
        _SHARE,
        _column(
            "baseline_seen_s",
            "second",
            NUMBER,
            "time within the baseline in which the person was seen",
            baseline=True,
        ),
        _DIFFERENCE,
    ),
    EVENTS: (
        _column("Observation id", "", TEXT, "name of the video"),
        _column("Observation date", "", TEXT, "date and time of the analysis (UTC)"),
        _column("Description", "", TEXT, "what made the events"),
        _column("Observation duration", "second", NUMBER, "duration of the analysed part"),
        _column("Observation type", "", TEXT, "Media file(s), or Live observation for a camera"),
        _column("Source", "", TEXT, "the video file, as player #1:FILE"),
        _column("Time offset (s)", "second", NUMBER, "always 0"),
        _column("Media duration (s)", "second", NUMBER, "end of the analysed part"),
        _column("FPS", "1 / second", NUMBER, "frame rate of the video"),
        _column("Subject", "", TEXT, "the person"),
        _column("Behavior", "", TEXT, "the top emotion"),
        _column("Behavioral category", "", TEXT, "always expression"),
        _column("Behavior type", "", TEXT, "START or STOP of a state event"),
        _column("Time", "second", NUMBER, "time of the event"),
        _column("Media file name", "", TEXT, "the video file"),
        _column("Image index", "", INTEGER, "number of the first or last frame, from 0"),
        _column("Image file path", "", TEXT, "always NA"),
        _column("Comment", "", TEXT, "empty"),
    ),
    OPENFACE: (
        _column("frame", "", INTEGER, "number of the frame, from 1 as in OpenFace"),
        _column(
            "face_id", "", INTEGER, "number of the tracked face, from 1; 0 in a frame without faces"
        ),
        _column("timestamp", "second", NUMBER, "time at which the frame is shown"),
        _column(
            "confidence",
            "0 to 1",
            NUMBER,
            "score of the face detector, cut to 0 to 1; 0 in a frame without faces. Not OpenFace's "
            "confidence in its landmarks",
        ),
        _column("success", "", INTEGER, "1 if there is a face, 0 in a frame without faces"),
        _PERSON,
        *_BOX,
        _DETECTED,
        _TOP,
        _column("emotion_confidence", "0 to 1", NUMBER, "probability of that emotion"),
        _UNCERTAIN,
        *_QUALITY,
        _PROBABILITY,
    ),
}

TABLES = tuple(_TABLES)
"""Names of the tables."""


def columns(table: str, labels: Sequence[str], baseline: bool = False) -> list[Column]:
    """Return the columns of a table, in order.

    Args:
        table: One of `TABLES`.
        labels: The emotions reported; a column for each stands in place of one for all.
        baseline: Whether a baseline is set.
    """
    found: list[Column] = []
    for column in _TABLES[table]:
        if column.baseline and not baseline:
            continue
        if _EMOTION in column.name:
            found += [column.of(label) for label in labels]
        else:
            found.append(column)
    return found


def header(table: str, labels: Sequence[str], baseline: bool = False) -> list[str]:
    """Return the names of the columns of a table; see `columns`."""
    return [column.name for column in columns(table, labels, baseline)]
