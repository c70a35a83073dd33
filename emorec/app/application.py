"""Puts the app together: the page, the REST interface and what protects them."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from emorec.app.guard import Access, RequestGuard
from emorec.app.limits import AppLimits, BodyLimit
from emorec.app.responses import RequestError
from emorec.app.rest_api import PREFIX, Api
from emorec.errors import EmorecError

STATIC = Path(__file__).with_name("static")
"""Folder of the page."""


def make_application(
    access: Access, api: Api, limits: AppLimits, with_page: bool = True
) -> ASGIApp:
    """Make the ASGI application.

    Args:
        access: Who may use it.
        api: The REST interface; the caller closes it.
        limits: The limits.
        with_page: Serve the page; without it, the REST interface alone.
    """
    routes: list[BaseRoute] = [Mount(PREFIX, routes=api.routes())]
    if with_page:
        routes += [
            Route("/", _page("index.html")),
            Route("/labels", _page("labels.html")),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
    application = Starlette(
        routes=routes,
        middleware=[Middleware(BodyLimit, limits=limits)],
        exception_handlers={
            ClientDisconnect: _answer_nobody,
            RequestError: _answer_refused,
            EmorecError: _answer_error,
            HTTPException: _answer_http_error,
            Exception: _answer_bug,
        },
    )
    # Around all of it, so that the answer to an unexpected error has its headers too.
    return RequestGuard(application, access)


def _page(name: str) -> Callable[[Request], Awaitable[Response]]:
    """Make the route of a page."""

    async def answer(request: Request) -> Response:
        return FileResponse(STATIC / name)

    return answer


async def _answer_nobody(request: Request, error: Exception) -> Response:
    """End a request whose client has gone, without a message of a failure."""
    return Response(status_code=400)


async def _answer_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return error.response()


async def _answer_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, EmorecError)
    return RequestError.of(error).response()


async def _answer_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    kind = "not_found" if error.status_code == 404 else "request"
    return RequestError(error.status_code, kind, error.detail, error.headers).response()


async def _answer_bug(request: Request, error: Exception) -> Response:
    message = f"unexpected {type(error).__name__}; the terminal shows where it comes from"
    return RequestError(500, "bug", message).response()
