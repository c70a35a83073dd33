"""Recognizes and tracks the faces of a camera whose frames a page sends over a WebSocket.

Each binary message is the time of a frame in seconds, as a little-endian float64, and the frame as
JPEG; the answer is its faces as JSON. The text messages {"record": true} and {"record": false}
begin and end a recording. Only faces are recorded, no images.
"""

import asyncio
import json
import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect

from emorec.app.limits import AppLimits
from emorec.app.responses import RequestError
from emorec.app.sessions import CANCELLED, DONE, AppSession, SessionStore, remove_files
from emorec.errors import DataError, EmorecError
from emorec.frames import Frame
from emorec.headers import read_header
from emorec.images import decode_unchecked
from emorec.inference.recognizer import EmotionRecognizer
from emorec.inference.tracking import EmotionTracker
from emorec.outputs.session.recorder import SessionRecorder
from emorec.types import FaceEmotion

_TIME = struct.Struct("<d")
_JPEG = b"\xff\xd8\xff"

_NOMINAL_FPS = 10.0
"""Frame rate of recordings; it only says how long the last frame is shown."""

MakeRecorder = Callable[[AppSession], SessionRecorder]


def decode_frame(message: bytes, most_pixels: int) -> Frame:
    """Decode a message of a camera.

    Args:
        message: Time and JPEG.
        most_pixels: Most pixels of the frame.

    Raises:
        DataError: It is something else, or the frame is too large or damaged.
    """
    if len(message) < _TIME.size or not message.startswith(_JPEG, _TIME.size):
        raise DataError("a camera frame must be 8 bytes of time and a JPEG image")
    (time_s,) = _TIME.unpack_from(message)
    if not math.isfinite(time_s) or time_s < 0:
        raise DataError(f"the time of a camera frame must be 0 or more; received {time_s}")
    data = np.frombuffer(message, np.uint8, offset=_TIME.size)
    header = read_header(data.data)
    if header is None:
        raise DataError("the camera frame is damaged")
    width, height = header.size_wh
    if width * height > most_pixels:
        raise DataError(
            f"the camera frame has {width}x{height} pixels; send at most {most_pixels} pixels"
        )
    image_bgr = decode_unchecked("camera frame", data, cv2.IMREAD_COLOR, header)
    return Frame(image_bgr, (image_bgr.shape[1], image_bgr.shape[0]), None, time_s)


@dataclass
class CameraFaces:
    """Recognizes and tracks the faces of one camera.

    Attributes:
        recognizer: Detects and classifies the faces.
        limits: The limits.
    """

    recognizer: EmotionRecognizer
    limits: AppLimits

    def __post_init__(self) -> None:
        self._tracker = EmotionTracker(min_confidence=self.recognizer.min_confidence)
        self._last_s = -1.0
        self._number = 0
        self.recording: AppSession | None = None

    def answer(self, message: bytes) -> dict[str, Any]:
        """Recognize the faces of a frame.

        Args:
            message: As for `decode_frame`.

        Returns:
            Time, size, number and faces, as in the records of `emorec detect`.

        Raises:
            DataError: The frame cannot be read, or is older than the last one.
            ModelError: The model fails.
        """
        frame = decode_frame(message, self.limits.frame_pixels)
        time_s = frame.time_s or 0.0
        if time_s < self._last_s:
            raise DataError("the time of a camera frame is before that of the last one")
        found = self.recognizer.recognize_frame(frame)
        faces = self._tracker.update(found, time_s, frame.size_wh)
        self._last_s = time_s
        self._record(faces, frame)
        self._number += 1
        width, height = frame.size_wh
        return {
            "time_s": time_s,
            "frame": self._number - 1,
            "width": width,
            "height": height,
            "faces": [face.to_dict() for face in faces],
        }

    def _record(self, faces: Sequence[FaceEmotion], frame: Frame) -> None:
        if self.recording is None:
            return
        if self.recording.cancelled.is_set():  # it was deleted meanwhile
            self.recording.finish(CANCELLED)
            remove_files(self.recording)
            self.recording = None
            return
        self.recording.add(replace(frame, number=self._number), faces, _NOMINAL_FPS)


async def serve_camera(
    socket: WebSocket,
    recognizer: EmotionRecognizer,
    store: SessionStore,
    limits: AppLimits,
    make_recorder: MakeRecorder,
) -> None:
    """Answer the frames of a camera until it ends or falls silent.

    Args:
        socket: The accepted connection.
        recognizer: Detects and classifies the faces.
        store: Receives recordings.
        limits: The limits.
        make_recorder: Makes the recorder of a recording.
    """
    camera = CameraFaces(recognizer, limits)
    try:
        while True:
            async with asyncio.timeout(limits.idle_s):
                message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            try:
                if (data := message.get("bytes")) is not None:
                    answer = await run_in_threadpool(camera.answer, data)
                else:
                    answer = _switch_recording(
                        camera, message.get("text") or "", store, make_recorder
                    )
            except EmorecError as error:
                answer = RequestError.of(error).content()
            except RequestError as error:
                answer = error.content()
            await socket.send_text(json.dumps(answer))
    except TimeoutError:
        await socket.close(1001, "no frames came")
    except WebSocketDisconnect:
        return
    finally:
        if camera.recording is not None:
            camera.recording.finish(DONE)


def _switch_recording(
    camera: CameraFaces, text: str, store: SessionStore, make_recorder: MakeRecorder
) -> dict[str, Any]:
    try:
        wanted = json.loads(text)["record"]
    except (ValueError, KeyError, TypeError, RecursionError):
        wanted = None
    if not isinstance(wanted, bool):
        raise DataError('a text message must be {"record": true} or {"record": false}')
    session = camera.recording
    if wanted and session is None:
        session = store.create("camera", "camera", camera.recognizer.labels)
        session.begin(make_recorder(session))
        camera.recording = session
    elif not wanted and session is not None:
        session.finish(DONE if session.frames else CANCELLED)
        camera.recording = None
    return {"recording": wanted, "session": session and session.id}
