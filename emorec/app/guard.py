"""Decides which requests the app answers: their host, their origin and their token.

A page of another site can send requests to 127.0.0.1, and with DNS rebinding it can make its own
name point there. So the header Host must be a name of this server, Origin and Sec-Fetch-Site must
be of the page of this server, and every request needs the token.
"""

import ipaddress
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emorec.app.responses import RequestError

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)

HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""Headers of every response."""

_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_EVERY_ADDRESS = ("0.0.0.0", "::")
_READING = ("GET", "HEAD")


@dataclass(frozen=True)
class Access:
    """Who may use the server.

    Attributes:
        token: The secret.
        host: The address that the server listens at.
        port: Its port.
    """

    token: str
    host: str
    port: int

    @property
    def cookie(self) -> str:
        """Name of the cookie; servers on other ports of this computer share its cookies."""
        return f"emorec-{self.port}"

    def knows_host(self, host: str) -> bool:
        """Return whether a Host header names this server."""
        name, _, port = host.rpartition(":")
        if port != str(self.port):
            # Browsers leave out the port of http.
            if self.port != 80 or host.rpartition("]")[2].count(":"):
                return False
            name = host
        name = name.lower()
        if name in _LOOPBACK or name in (self.host.lower(), f"[{self.host.lower()}]"):
            return True
        if self.host not in _EVERY_ADDRESS:
            return False
        # No foreign name can be made to point here by an address or by the name of this computer.
        return name == socket.gethostname().lower() or _is_address(name)

    def accepts(self, token: str) -> bool:
        """Compare a token, in a time that does not depend on it."""
        return secrets.compare_digest(token.encode(), self.token.encode())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


class RequestGuard:
    """Middleware that refuses requests of others, and adds the headers of every response.

    Args:
        app: The application.
        access: Who may use it.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request or a WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        try:
            answer = self._check(scope)
        except RequestError as error:
            answer = error.response()
        if answer is None:
            await self._app(scope, receive, send_with_headers)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        else:
            await answer(scope, receive, send_with_headers)

    def _check(self, scope: Scope) -> Response | None:
        """Return the answer to a request that brings the token in its address; None to go on.

        Raises:
            RequestError: The request is refused.
        """
        headers = _headers(scope)
        host = headers.get("host", "")
        if not self._access.knows_host(host):
            raise RequestError(403, "host", f"this server is not {host[:100]!r}")
        reads_page = (
            scope["type"] == "http"
            and scope["method"] in _READING
            and not scope["path"].startswith("/api/")
        )
        if not reads_page and not _is_own_origin(headers):
            raise RequestError(403, "origin", "requests of other pages are refused")
        if reads_page and scope["path"] == "/":
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if given and self._access.accepts(given):
                return self._with_cookie()
        bearer = headers.get("authorization", "").partition(" ")
        if bearer[0].lower() == "bearer" and self._access.accepts(bearer[2].strip()):
            return None
        if not self._access.accepts(_cookie(headers, self._access.cookie)):
            raise RequestError(
                401,
                "token",
                "the token is missing or wrong; open the address that emorec app printed",
                {"WWW-Authenticate": "Bearer"},
            )
        # Browsers send cookies on their own, so a request that acts must say where it is from.
        known_origin = "origin" in headers or "sec-fetch-site" in headers
        acts = scope["type"] == "websocket" or scope["method"] not in _READING
        if acts and not known_origin:
            raise RequestError(403, "origin", "a request with a cookie needs the header Origin")
        return None

    def _with_cookie(self) -> Response:
        """Move the token from the address, which browsers keep in their history, to a cookie."""
        response = RedirectResponse("/", 303)
        response.set_cookie(
            self._access.cookie, self._access.token, path="/", httponly=True, samesite="strict"
        )
        return response


def _headers(scope: Scope) -> Mapping[str, str]:
    """Return the headers by their lower-case names.

    Raises:
        RequestError: A header that decides is there twice.
    """
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key = name.decode("latin-1").lower()
        if key in found and key in ("host", "origin", "authorization", "sec-fetch-site"):
            raise RequestError(400, "headers", f"the header {key} is there twice")
        # Browsers may send several cookie headers in HTTP/2.
        text = value.decode("latin-1")
        found[key] = f"{found[key]}; {text}" if key == "cookie" and key in found else text
    return found


def _is_own_origin(headers: Mapping[str, str]) -> bool:
    origin = headers.get("origin")
    if origin is not None and origin.lower() != f"http://{headers.get('host', '')}".lower():
        return False
    return headers.get("sec-fetch-site", "none") in ("same-origin", "none")


def _cookie(headers: Mapping[str, str], name: str) -> str:
    try:
        morsel = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return "" if morsel is None else morsel.value
