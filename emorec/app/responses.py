"""Errors of the app as JSON, with their HTTP status."""

from collections.abc import Mapping
from typing import Any

from starlette.responses import JSONResponse

from emorec.errors import (
    ConfigError,
    DataError,
    EmorecError,
    MissingDependencyError,
    ModelError,
)

_STATUS: dict[type[EmorecError], tuple[int, str]] = {
    ConfigError: (400, "config"),
    DataError: (422, "data"),
    MissingDependencyError: (501, "missing_dependency"),
    ModelError: (500, "model"),
}


class RequestError(Exception):
    """A request that is refused.

    Args:
        status: HTTP status.
        kind: Machine-readable kind of the error.
        message: What failed, what was received and what to do, in one line.
        headers: Further headers of the response.
    """

    def __init__(
        self, status: int, kind: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.headers = dict(headers or {})

    @classmethod
    def of(cls, error: EmorecError) -> "RequestError":
        """Convert an error of the library."""
        status, kind = _STATUS.get(type(error), (500, "error"))
        return cls(status, kind, str(error))

    def content(self) -> dict[str, Any]:
        """Return the JSON of the error."""
        return {"error": {"kind": self.kind, "message": str(self)}}

    def response(self) -> JSONResponse:
        """Return the response.

        Where the body of the request was not read to its end, the connection cannot be used again.
        """
        headers = dict(self.headers)
        if self.status in (401, 403, 408, 413):
            headers["Connection"] = "close"
        return JSONResponse(self.content(), self.status, headers)
