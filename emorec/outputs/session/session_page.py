"""Renders session.html: the video beside a time line for each person, in one file."""

import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emorec.media.drawing import emotion_colors
from emorec.outputs.session.elan_file import relative_address
from emorec.outputs.session.page_data import MAX_CELLS, TimeGrid
from emorec.outputs.session.session_file import INTERRUPTED, RUNNING, Session, SessionVideo
from emorec.pages import data_tag, page

LIMITS = (
    "The labels describe facial expressions as a model reads them, not what a person feels. A "
    "model errs, more often for some faces, angles and lights than for others: look at the video "
    "before you conclude anything."
)
"""What a reader of any output of a session must know."""

_TABLE = (
    ("person", "person"),
    ("video", "video"),
    ("seen_s", "seen (s)"),
    ("missing_s", "missing (s)"),
    ("emotion", "mostly"),
    ("changes_per_minute", "changes / min"),
    ("mean_confidence", "confidence"),
    ("mean_face_size", "face (px)"),
    ("uncertain_share", "uncertain"),
)
"""Columns of people.csv that the page shows, with their headings."""

_SHOWN_ROWS = 200


def render_page(
    session: Session,
    grid: TimeGrid,
    people: Sequence[Mapping[str, object]],
    folder: Path,
) -> str:
    """Render the page.

    Args:
        session: The session.
        grid: The time lines.
        people: The rows of people.csv.
        folder: Folder that the page will be in, for the relative addresses of the videos.
    """
    colors = emotion_colors(session.labels)
    data = {
        "labels": list(session.labels),
        "colors": ["#{2:02x}{1:02x}{0:02x}".format(*colors[label]) for label in session.labels],
        "videos": [
            {**_video(video, folder), **grid.video_data(video.name)} for video in session.videos
        ],
        "people": [[_shown(row[name]) for name, _ in _TABLE] for row in people[:_SHOWN_ROWS]],
    }
    here = Path(__file__).parent
    title = "Session: " + ", ".join(video.name for video in session.videos[:3])
    if len(session.videos) > 3:
        title += f" and {len(session.videos) - 3} more"
    return page(
        title,
        _parts(session, grid, len(people), data),
        style=(here / "page.css").read_text("utf-8"),
        script=(here / "page.js").read_text("utf-8"),
        media=True,
    )


def _video(video: SessionVideo, folder: Path) -> dict[str, Any]:
    return {
        "video": video.name,
        "src": None if video.path is None else relative_address(video.path, folder),
        "fps": video.fps or 25,
        "size": [video.width or 1, video.height or 1],
    }


def _parts(session: Session, grid: TimeGrid, people: int, data: Mapping[str, Any]) -> Sequence[str]:
    notes = []
    if session.status in (INTERRUPTED, RUNNING):
        notes.append("The analysis was ended early: this is the part that was analysed.")
    notes += [f"{video.name}: {video.problem}" for video in session.videos if video.problem]
    if grid.hidden_people:
        notes.append(f"{grid.hidden_people} persons who were around for shorter have no time line.")
    if people > _SHOWN_ROWS:
        notes.append(f"The table has the first {_SHOWN_ROWS} of {people} rows of people.csv.")
    model = session.model
    facts = f"emorec {session.versions.get('emorec', '')}, model {model['name']} {model['version']}"
    heads = "".join(f'<th scope="col">{html.escape(head)}</th>' for _, head in _TABLE)
    return [
        f'<p class="limits">{html.escape(LIMITS)}</p>',
        *(f'<p class="note">{html.escape(note)}</p>' for note in notes),
        "<noscript><p>This page needs JavaScript, which your browser does not run. The tables "
        "beside it need none.</p></noscript>",
        '<p id="choice"><label for="videos">Video</label> <select id="videos"></select></p>',
        '<div id="stage"><video id="video" controls preload="auto" playsinline></video>'
        '<canvas id="boxes" aria-hidden="true"></canvas></div>',
        '<p id="missing" role="status"></p>',
        '<p class="tools"><label>Video file on this computer <input type="file" id="file" '
        'accept="video/*"></label> <label><input type="checkbox" id="marks" checked> Boxes'
        "</label></p>",
        '<div class="filters"><fieldset id="persons"><legend>Persons</legend></fieldset>'
        '<fieldset id="emotions"><legend>Emotions</legend></fieldset></div>',
        "<h2>Time lines</h2>",
        '<p id="help">Click a time line to go there. Keys on a time line: left and right one '
        "frame, with Shift one second, Page Up and Down ten seconds, Home and End; Space plays and "
        "pauses. The strip shows the top emotion, the area below all probabilities.</p>",
        '<div id="lines"></div>',
        "<h2>Persons</h2>",
        f'<div class="wide" tabindex="0" role="region" aria-label="Persons"><table id="people">'
        f"<thead><tr>{heads}</tr></thead><tbody></tbody></table></div>",
        f'<p class="facts">{html.escape(facts)}. A time line has at most {MAX_CELLS} values, each '
        "the mean over an equal part of the time; frames.csv has every frame. Boxes are "
        "interpolated between these.</p>",
        data_tag("session", data),
    ]


def _shown(value: object) -> str:
    if value is None:
        return ""
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
