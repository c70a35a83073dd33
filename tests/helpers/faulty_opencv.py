"""An OpenCV whose videos crash, hang or take memory, for child processes.

A child process imports what lies first on `sys.path`.
"""

from pathlib import Path

_FAKE = '''
import os, signal, sys, time

sys.path.pop(0)
del sys.modules["cv2"]
import cv2

Real = cv2.VideoCapture
opened = []


class VideoCapture:
    """Behaves like OpenCV's up to its fifth frame, if the name of the file says so."""

    def __init__(self, target, *options):
        self.real = Real(target, *options)
        self.name = os.path.basename(getattr(getattr(target, "_file", None), "name", ""))
        self.count = 0
        opened.append(self)

    def __getattr__(self, name):
        return getattr(self.real, name)

    def grab(self):
        self.count += 1
        # The second one measures the frame rate.
        if self.count > 5 and self is opened[0]:
            if "crash" in self.name:
                os.kill(os.getpid(), signal.SIGSEGV)
            if "hang" in self.name:
                time.sleep(600)
            if "memory" in self.name:
                self.data = bytearray(2**40)
            if "opencv" in self.name:
                error = cv2.error("Insufficient memory")
                error.code = cv2.Error.STS_NO_MEM
                raise error
            if "bug" in self.name:
                raise KeyError("bug")
        return self.real.grab()


cv2.VideoCapture = VideoCapture
'''


def write_faulty_opencv(folder: Path) -> str:
    """Write the module `cv2`; returns the folder to put first on `sys.path`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "cv2.py").write_text(_FAKE)
    return str(folder)
