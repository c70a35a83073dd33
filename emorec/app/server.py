"""Runs the app on a socket until a signal ends it."""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from emorec.app.application import make_application
from emorec.app.guard import Access
from emorec.app.limits import AppLimits
from emorec.app.recognizers import Recognizers
from emorec.app.rest_api import Api
from emorec.app.scratch_folder import scratch_folder
from emorec.app.tokens import new_token
from emorec.errors import ConfigError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8765

_PORTS_TRIED = 50
_MOST_CONNECTIONS = 256
_WINSOCK = 10_000
"""The least error number of Windows sockets."""

_END_S = 1
"""Seconds that running requests have at the end."""


@dataclass(frozen=True)
class AppSettings:
    """How the app is served.

    Attributes:
        host: Address to listen at.
        port: Port; None is `DEFAULT_PORT` or the next free one.
        model: ONNX file of the default model; None is the shipped one.
        token: The secret of the users; a random one by default.
        with_page: Serve the page; without it, the REST interface alone.
        limits: The limits.
    """

    host: str = DEFAULT_HOST
    port: int | None = None
    model: Path | None = None
    token: str = field(default_factory=new_token)
    with_page: bool = True
    limits: AppLimits = field(default_factory=AppLimits)


class _Protocol(H11Protocol):
    """HTTP that also closes connections on which no request comes."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )


def open_socket(host: str, port: int | None) -> socket.socket:
    """Listen at an address.

    Args:
        host: A name or an address.
        port: The port; None is `DEFAULT_PORT` or the next free one; 0 is any free one.

    Raises:
        ConfigError: The address is not of this computer, or the port is in use.
    """
    ports = range(DEFAULT_PORT, DEFAULT_PORT + _PORTS_TRIED) if port is None else [port]
    reason = ""
    for candidate in ports:
        try:
            family, *_, address = socket.getaddrinfo(
                host, candidate, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            return socket.create_server(address[:2], family=family)
        except socket.gaierror as error:
            reason = error.strerror or str(error)
            break
        except OSError as error:
            number = error.errno or 0
            # Its own message repeats the address; `os.strerror` does not know those of Winsock.
            reason = os.strerror(number) if number < _WINSOCK else str(error.strerror)
    raise ConfigError(
        f"cannot listen at {host}, port {ports[0]}: {reason}; choose another --host or --port"
    )


def serve(settings: AppSettings, ready: Callable[[str], None]) -> None:
    """Serve the app until Ctrl-C or another signal, then remove the temporary files.

    Args:
        settings: How it is served.
        ready: Called with the address, which holds the token, once the server answers.

    Raises:
        ConfigError: The address cannot be listened at.
        EmorecError: The model is missing or broken.
    """
    with open_socket(settings.host, settings.port) as listener, scratch_folder() as folder:
        access = Access(settings.token, settings.host, listener.getsockname()[1])
        api = Api(Recognizers(settings.model), folder, settings.limits)
        application = make_application(access, api, settings.limits, settings.with_page)
        config = uvicorn.Config(
            application,
            http=_Protocol,
            ws="websockets-sansio",
            ws_max_size=settings.limits.frame_bytes + 64,
            ws_per_message_deflate=False,
            loop="asyncio",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            limit_concurrency=_MOST_CONNECTIONS,
            timeout_keep_alive=settings.limits.connection_s,
            timeout_graceful_shutdown=_END_S,
        )
        _quiet_logs()
        server = _Server(config, lambda: ready(address_of(access)))
        try:
            server.run(sockets=[listener])
        finally:
            api.close()


def address_of(access: Access) -> str:
    """Return the address of the page, with the token."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(access.host, access.host)
    if ":" in host and not host.startswith("["):
        host = f"[{host}]"
    return f"http://{host}:{access.port}/?token={access.token}"


class _Server(uvicorn.Server):
    """A server that reports when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Requests that are cancelled here are no failures to report.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL + 1)
        await super().shutdown(sockets)


def _quiet_logs() -> None:
    """Show errors only: what uvicorn says of itself is no message for users."""
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
