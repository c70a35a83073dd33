"""Errors become JSON with the right status."""

import json

import pytest

from emorec.app.responses import RequestError
from emorec.errors import ConfigError, DataError, EmorecError, MissingDependencyError, ModelError


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (ConfigError("a"), 400, "config"),
        (DataError("b"), 422, "data"),
        (ModelError("c"), 500, "model"),
        (MissingDependencyError("d"), 501, "missing_dependency"),
        (EmorecError("e"), 500, "error"),
    ],
)
def test_errors_of_the_library(error: EmorecError, status: int, kind: str):
    answer = RequestError.of(error).response()
    assert answer.status_code == status
    assert json.loads(answer.body) == {"error": {"kind": kind, "message": str(error)}}


@pytest.mark.parametrize(("status", "closes"), [(404, False), (413, True), (401, True)])
def test_a_connection_with_an_unread_body_is_closed(status: int, closes: bool):
    answer = RequestError(status, "x", "y", {"A": "b"}).response()
    assert (answer.headers.get("connection") == "close") is closes
    assert answer.headers["a"] == "b"
