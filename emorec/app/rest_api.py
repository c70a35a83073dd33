"""The REST interface below /api/v1; docs/app-api.md describes it."""

import json
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from emorec import __version__
from emorec.app.camera import serve_camera
from emorec.app.descriptions import describe_models, describe_options, label_colors
from emorec.app.explanations import explain_photo
from emorec.app.file_names import clean_name, stem_of
from emorec.app.label_api import LabelApi
from emorec.app.limits import AppLimits, WorkSlots, busy
from emorec.app.photos import FORMATS, PhotoOutput, recognize_photos
from emorec.app.recognizers import Recognizers, read_blur, read_options, read_switch
from emorec.app.recordings import make_recorder, pack_session
from emorec.app.responses import RequestError
from emorec.app.sessions import AppSession, SessionStore
from emorec.app.uploads import new_folder, send_once, store_body, store_images
from emorec.app.videos import VideoOrder, VideoQueue
from emorec.errors import ConfigError, EmorecError
from emorec.outputs.session.recorder import SessionRecorder
from emorec.suggestions import unknown_name

PREFIX = "/api/v1"


class Api:
    """The routes of the interface, and what they share.

    Args:
        recognizers: Makes the recognizers.
        folder: Temporary folder.
        limits: The limits.
    """

    def __init__(self, recognizers: Recognizers, folder: Path, limits: AppLimits) -> None:
        self._recognizers = recognizers
        self._folder = folder
        self._limits = limits
        self._sessions = SessionStore(folder, limits)
        self._videos = VideoQueue(self._sessions, limits)
        self._slots = WorkSlots(limits.working, limits.waiting)
        self._labels = LabelApi(recognizers, folder, limits, self._slots)
        self._cameras = 0

    def routes(self) -> list[BaseRoute]:
        """Return the routes."""
        return [
            Route("/health", self.health),
            Route("/models", self.models),
            Route("/options", self.options),
            Route("/recognize", self.recognize, methods=["POST"]),
            Route("/explain", self.explain, methods=["POST"]),
            Route("/videos", self.add_video, methods=["POST"]),
            Route("/sessions", self.sessions),
            Route("/sessions/{id}", self.session, methods=["GET"]),
            Route("/sessions/{id}", self.delete_session, methods=["DELETE"]),
            Route("/sessions/{id}/frames", self.frames),
            Route("/sessions/{id}/download", self.download),
            Route("/sessions/{id}/video", self.annotated_video),
            WebSocketRoute("/camera", self.camera),
            *self._labels.routes(),
        ]

    def close(self) -> None:
        """End all work."""
        self._videos.close()
        self._labels.close()

    async def health(self, request: Request) -> Response:
        """Answer that the server runs."""
        return JSONResponse({"status": "ok", "version": __version__})

    async def models(self, request: Request) -> Response:
        """List the models."""
        return JSONResponse({"models": await run_in_threadpool(describe_models)})

    async def options(self, request: Request) -> Response:
        """Describe the options, the emotions of the default model and the limits."""
        recognizer = await run_in_threadpool(self._recognizers.open, read_options({}))
        labels = list(recognizer.metadata.labels)
        limits = self._limits
        return JSONResponse(
            {
                "options": describe_options(),
                "model": recognizer.metadata.name,
                "labels": labels,
                "colors": label_colors(labels),
                "limits": {
                    "image_bytes": limits.image_bytes,
                    "images_bytes": limits.images_bytes,
                    "image_count": limits.image_count,
                    "video_bytes": limits.video_bytes,
                    "video_s": limits.video_s,
                    "frame_bytes": limits.frame_bytes,
                    "frame_pixels": limits.frame_pixels,
                    "photo_count": limits.photo_count,
                },
            }
        )

    async def recognize(self, request: Request) -> Response:
        """Recognize the faces of one image or several."""
        query = dict(request.query_params)
        format_ = query.get("format") or "json"
        if format_ not in FORMATS:
            raise ConfigError(unknown_name("format", format_, tuple(FORMATS)))
        options = read_options(query, ("name", "format", "bars", "blur"))
        output = PhotoOutput(format_, read_switch(query, "bars"), read_blur(query))
        recognizer = await run_in_threadpool(self._recognizers.open, options)
        with new_folder(self._folder) as uploads:
            images = await store_images(request, uploads, self._limits)
            results = uploads / "results"
            results.mkdir()
            async with self._slots.taken():
                path = await run_in_threadpool(
                    recognize_photos, images, recognizer, output, results
                )
            name = f"{stem_of(images[0].name)}-emotions" if len(images) == 1 else "emotions"
            return send_once(path, self._folder, f"{name}.{format_}", FORMATS[format_])

    async def explain(self, request: Request) -> Response:
        """Draw which parts of the faces of an image decide."""
        query = dict(request.query_params)
        options = read_options(query, ("name", "face", "emotion"))
        number = query.get("face")
        if number and not number.isdecimal():
            raise ConfigError(f"face must be the number of a face, from 1; received {number!r:.50}")
        recognizer = await run_in_threadpool(self._recognizers.open, options)
        with new_folder(self._folder) as folder:
            image, *others = await store_images(request, folder, self._limits)
            if others:
                raise ConfigError("one image at a time can be explained")
            async with self._slots.taken():
                path = await run_in_threadpool(
                    explain_photo,
                    image,
                    recognizer,
                    int(number) if number else None,
                    query.get("emotion") or None,
                    folder,
                )
            return send_once(
                path, self._folder, f"{stem_of(image.name)}-explained.png", "image/png"
            )

    async def add_video(self, request: Request) -> Response:
        """Store a video and begin to process it."""
        query = dict(request.query_params)
        options = read_options(query, ("name", "annotate", "blur"))
        annotate, blur = read_switch(query, "annotate"), read_blur(query)
        recognizer = await run_in_threadpool(self._recognizers.open, options, True)
        name = clean_name(query.get("name"), "video")
        session = self._sessions.create("video", name, recognizer.labels)
        path = session.folder / "upload"
        try:
            await store_body(request, path)
        except BaseException:
            # The client has gone, or the upload was refused.
            self._sessions.delete(session.id)
            raise
        model_file = self._recognizers.model_file(options.model)
        recorder = make_recorder(session, recognizer, model_file, options)
        self._videos.add(session, VideoOrder(path, recognizer, recorder, annotate, blur))
        return JSONResponse(
            session.describe(), 202, {"Location": f"{PREFIX}/sessions/{session.id}"}
        )

    async def sessions(self, request: Request) -> Response:
        """List the sessions."""
        return JSONResponse({"sessions": [each.describe() for each in self._sessions.all()]})

    async def session(self, request: Request) -> Response:
        """Describe a session."""
        return JSONResponse(self._sessions.get(request.path_params["id"]).describe())

    async def delete_session(self, request: Request) -> Response:
        """Cancel and delete a session."""
        self._sessions.delete(request.path_params["id"])
        return Response(status_code=204)

    async def frames(self, request: Request) -> Response:
        """Return all frames of a session, as compact JSON."""
        session = self._sessions.get(request.path_params["id"])
        return StreamingResponse(session.frames_json(), media_type="application/json")

    async def download(self, request: Request) -> Response:
        """Return all files of a session, with names and without hidden people."""
        query = request.query_params
        session = self._sessions.get(request.path_params["id"])
        if unknown := set(query) - {"person", "hide"}:
            raise ConfigError(unknown_name("parameter", min(unknown), ("person", "hide")))
        hidden = query.getlist("hide")
        if not all(id_.isdecimal() for id_ in hidden):
            raise ConfigError(f"hide must be the number of a person; received {hidden[0]!r:.50}")
        with new_folder(self._folder) as folder:
            async with self._slots.taken():
                path = await run_in_threadpool(
                    pack_session, session, query.getlist("person"), set(map(int, hidden)), folder
                )
            name = f"{stem_of(session.name)}-session.zip"
            return send_once(path, self._folder, name, "application/zip")

    async def annotated_video(self, request: Request) -> Response:
        """Return the annotated video of a session."""
        session = self._sessions.get(request.path_params["id"])
        if session.annotated is None:
            raise RequestError(404, "not_found", "the session has no annotated video")
        name = f"{stem_of(session.name)}-emotions.mp4"
        return FileResponse(session.annotated, filename=name, content_disposition_type="inline")

    async def camera(self, socket: WebSocket) -> None:
        """Recognize the faces of a camera."""
        try:
            # The page blurs on its own: no image comes back.
            options = read_options(dict(socket.query_params), ("blur",))
            if self._cameras >= self._limits.camera_count:
                raise busy(f"{self._cameras} cameras are connected")
            recognizer = await run_in_threadpool(self._recognizers.open, options, True)
            model_file = self._recognizers.model_file(options.model)
        except (EmorecError, RequestError) as error:
            await socket.accept()
            refused = error if isinstance(error, RequestError) else RequestError.of(error)
            await socket.send_text(json.dumps(refused.content()))
            await socket.close(1008, "refused")
            return

        def recorder(session: AppSession) -> SessionRecorder:
            return make_recorder(session, recognizer, model_file, options)

        self._cameras += 1
        try:
            await socket.accept()
            await serve_camera(socket, recognizer, self._sessions, self._limits, recorder)
        finally:
            self._cameras -= 1
