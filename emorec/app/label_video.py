"""Finds the faces of a video that are labelled: those of frames at regular intervals."""

import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from emorec.app.label_list import frame_name
from emorec.app.label_project import DONE, FAILED, RUNNING, LabelProject
from emorec.app.label_projects import remove_folder
from emorec.app.limits import AppLimits
from emorec.app.responses import RequestError
from emorec.errors import EmorecError
from emorec.frames import Frame
from emorec.images import write_image
from emorec.media.video import VideoReader

_STEP_S = 0.5
"""Least time between two frames, in seconds: those next to each other show the same expression."""


class LabelVideos:
    """Reads the videos of label projects, one at a time.

    Args:
        limits: The limits.
    """

    def __init__(self, limits: AppLimits) -> None:
        self._limits = limits
        self._pool = ThreadPoolExecutor(1, "emorec-label-video")

    def add(self, project: LabelProject, path: Path) -> None:
        """Find the faces of a video as soon as those before it are done; the file is removed."""
        project.state = RUNNING
        self._pool.submit(self._process, project, path)

    def close(self) -> None:
        """End all work; the projects are cancelled before."""
        self._pool.shutdown(cancel_futures=True)

    def _process(self, project: LabelProject, path: Path) -> None:
        state = FAILED
        try:
            project.error = self._find_faces(project, path)
            state = DONE
        except (EmorecError, RequestError) as error:
            # A part that could be read can be labelled.
            state = DONE if project.faces else FAILED
            project.error = str(error).replace(str(path), project.name)
        except Exception as error:
            project.error = f"unexpected {type(error).__name__}: {error}"
            raise
        finally:
            path.unlink(missing_ok=True)
            project.state, project.seconds_left = state, None
            if project.cancelled.is_set():
                remove_folder(project)

    def _find_faces(self, project: LabelProject, path: Path) -> str | None:
        """Add the faces of the frames; return what of the video could not be read."""
        every = self._every(path)
        started = time.monotonic()
        with VideoReader(path, every, end_s=self._limits.video_s) as reader:
            most = self._limits.labelled_frames
            expected = reader.expected_frames
            project.expected = expected and min(expected, most)
            for frame in _until_cancelled(project, islice(reader, most)):
                self._add(project, frame)
                project.frames += 1
                if project.expected:
                    left = max(project.expected - project.frames, 0)
                    project.seconds_left = left * (time.monotonic() - started) / project.frames
            problem = reader.problem
        if not problem and expected is None and project.frames == most:
            problem = f"{path}: its length is not known; only its first {most} frames were read"
        return problem and problem.replace(str(path), project.name)

    def _every(self, path: Path) -> int:
        """Return how many frames further the next one is."""
        with VideoReader(path) as reader:
            count, fps = reader.expected_frames or 0, reader.fps
        return max(round(fps * _STEP_S), math.ceil(count / self._limits.labelled_frames), 1)

    @staticmethod
    def _add(project: LabelProject, frame: Frame) -> None:
        faces = project.recognizer.recognize_frame(frame)
        if faces:
            assert frame.number is not None
            name = frame_name(project.name, frame.number)
            write_image(project.folder / name, frame.image_bgr)
            project.add(name, frame, faces)


def _until_cancelled(project: LabelProject, frames: Iterator[Frame]) -> Iterator[Frame]:
    for frame in frames:
        if project.cancelled.is_set():
            return
        yield frame
