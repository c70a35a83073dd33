"""Records sessions of the app as `emorec detect --session` does, and packs their files."""

import zipfile
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path

from emorec.app.recognizers import RecognitionOptions
from emorec.app.responses import RequestError
from emorec.app.sessions import AppSession
from emorec.inference.recognizer import EmotionRecognizer
from emorec.outputs.session.derived_files import write_session_files
from emorec.outputs.session.person_names import parse_persons
from emorec.outputs.session.recorder import SessionRecorder
from emorec.outputs.session.session_file import Derivation, read_session

_CAMERA = "0"
"""Source of a recording of a camera, which has no file."""


def make_recorder(
    session: AppSession,
    recognizer: EmotionRecognizer,
    model_file: Path,
    options: RecognitionOptions,
) -> SessionRecorder:
    """Make the recorder of a session.

    Args:
        session: The session.
        recognizer: The recognizer whose results are recorded.
        model_file: The file of its model.
        options: The options of the request.
    """
    settings = {name: value for name, value in asdict(options).items() if name != "model"}
    return SessionRecorder(
        session.recorded,
        [_CAMERA if session.kind == "camera" else session.name],
        recognizer,
        model_file,
        ("emorec", "app"),
        settings,
    )


def pack_session(
    session: AppSession, persons: Sequence[str], hidden: Collection[int], folder: Path
) -> Path:
    """Derive all files of a session and pack them.

    Args:
        session: A session that has ended.
        persons: Names such as "1=Anna".
        hidden: Ids of people to leave out.
        folder: An empty folder.

    Returns:
        A zip file in the folder.

    Raises:
        RequestError: The session is still running, or nothing was recorded.
        ConfigError: A name is wrong, or belongs to two people at once.
        DataError: A file cannot be written.
    """
    if not session.is_final:
        raise RequestError(409, "running", "the session is still running; wait until it ends")
    if not session.frames:
        raise RequestError(409, "empty", "the session has no frames")
    (video,) = (each.name for each in read_session(session.recorded).videos)
    named = {key: name for key, name in parse_persons(persons, [video]).items() if name}
    files = folder / "files"
    files.mkdir()
    written = write_session_files(
        session.recorded, Derivation(persons=named), files, [(video, id_) for id_ in hidden]
    )
    target = folder / "session.zip"
    with zipfile.ZipFile(target, "x", zipfile.ZIP_DEFLATED) as archive:
        for path in written.paths:
            archive.write(path, path.name)
    return target
