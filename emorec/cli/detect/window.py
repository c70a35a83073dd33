"""Shows the frames of a video in a window while they are processed."""

import subprocess
import sys
from typing import TYPE_CHECKING, Self

from emorec.errors import MissingDependencyError

if TYPE_CHECKING:
    from emorec.inference.stream import FrameResult

_TITLE = "emorec (q ends)"
_QUIT = (ord("q"), ord("Q"), 27)
_PROBE = "import cv2; cv2.namedWindow('emorec'); cv2.destroyAllWindows()"


def check_display() -> None:
    """Check that a window can be opened.

    Raises:
        MissingDependencyError: There is no display, or this OpenCV is a headless build.
    """
    # In a child process: without a display, Qt ends the process.
    done = subprocess.run([sys.executable, "-c", _PROBE], capture_output=True, check=False)
    if done.returncode:
        raise MissingDependencyError(
            "--show cannot open a window here: there is no display, or OpenCV is a headless "
            "build; omit --show, and watch the video that --save FOLDER writes"
        )


class Window:
    """A window on the screen, closed at the end of its `with` block.

    Args:
        landmarks: Draw the landmarks of the faces.
        blur: Blur the faces, as for `Annotator`.
    """

    def __init__(self, landmarks: bool = False, blur: str | None = None) -> None:
        from emorec.media.drawing import Annotator

        self._annotator = Annotator(landmarks=landmarks, blur=blur)

    def __enter__(self) -> Self:
        return self

    def show(self, result: "FrameResult") -> bool:
        """Show a frame with its faces; return False once the user has closed the window.

        q, Esc and the window's close button close it.
        """
        import cv2

        image = self._annotator.draw_frame(result.frame, result.faces, result.missed)
        cv2.imshow(_TITLE, image)
        if cv2.waitKey(1) & 0xFF in _QUIT:
            return False
        return cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) >= 1

    def __exit__(self, *exception: object) -> None:
        import cv2

        cv2.destroyAllWindows()
