"""The app in this process, for a test client."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers.app_server import TOKEN
from starlette.testclient import TestClient

from emorec.app.application import make_application
from emorec.app.guard import Access
from emorec.app.limits import AppLimits
from emorec.app.recognizers import Recognizers
from emorec.app.rest_api import Api

ACCESS = Access(TOKEN, "127.0.0.1", 8765)
BASE = "http://127.0.0.1:8765"

MakeClient = Callable[..., TestClient]


@pytest.fixture(scope="session")
def recognizers() -> Recognizers:
    return Recognizers()


@pytest.fixture
def make_client(recognizers: Recognizers, tmp_path: Path) -> Iterator[MakeClient]:
    """Make a client of an app with the given limits; without a token, if `token` is False."""
    with ExitStack() as stack:

        def make(limits: AppLimits | None = None, token: bool = True, page: bool = True):
            folder = tmp_path / "app"
            folder.mkdir(exist_ok=True)
            limits = limits or AppLimits()
            api = Api(recognizers, folder, limits)
            stack.callback(api.close)
            app = make_application(ACCESS, api, limits, page)
            headers = {"Authorization": f"Bearer {TOKEN}"} if token else {}
            client = TestClient(app, BASE, headers=headers, raise_server_exceptions=False)
            return stack.enter_context(client)

        yield make


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    """A client with the token."""
    return make_client()
