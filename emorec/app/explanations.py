"""Draws which parts of the faces of an uploaded image decide, as `emorec explain` does."""

from pathlib import Path

from emorec.app.uploads import StoredFile
from emorec.errors import ConfigError, DataError
from emorec.evaluation.explain import explain_faces
from emorec.evaluation.heat_drawing import draw_figure
from emorec.images import write_image
from emorec.inference.recognizer import EmotionRecognizer
from emorec.media.reading import read_frames
from emorec.media.sources import MediaSource


def explain_photo(
    image: StoredFile,
    recognizer: EmotionRecognizer,
    number: int | None,
    emotion: str | None,
    folder: Path,
) -> Path:
    """Explain the faces of an image.

    Args:
        image: The image; of an animation the first frame.
        recognizer: Detects and classifies the faces.
        number: Number of the face, from 1; None is the largest faces.
        emotion: The emotion to explain; None is that of each face.
        folder: An empty folder.

    Returns:
        A PNG file in the folder.

    Raises:
        ConfigError: There is no face of this number, or the model does not know the emotion.
        DataError: The image cannot be read, or has no face.
        ModelError: The model fails.
    """
    try:
        frame = read_frames(MediaSource(str(image.path), "image")).frames[0]
    except DataError as error:
        raise DataError(str(error).replace(str(image.path), image.name)) from error
    faces = recognizer.recognize_frame(frame)
    if not faces:
        raise DataError(f"{image.name}: no face was found; nothing to explain")
    if number is not None and not 1 <= number <= len(faces):
        raise ConfigError(f"{image.name} has {len(faces)} faces; received face={number}")
    chosen = None if number is None else [number - 1]
    found = explain_faces(frame, faces, recognizer, chosen=chosen, emotion=emotion)
    target = folder / "explained.png"
    write_image(target, draw_figure(frame, list(found.values()), [index + 1 for index in found]))
    return target
