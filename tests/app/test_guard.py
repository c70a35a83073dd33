"""Requests of others are refused: foreign hosts and pages, missing and wrong tokens."""

import pytest
from helpers.app_server import TOKEN
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from emorec.app.guard import HEADERS, Access

COOKIE = {"Cookie": f"emorec-8765={TOKEN}"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
OWN = {"Origin": "http://127.0.0.1:8765"}
FOREIGN = {"Origin": "https://evil.example"}
HEALTH = "/api/v1/health"
RECOGNIZE = "/api/v1/recognize"


@pytest.fixture
def anonymous(make_client) -> TestClient:
    return make_client(token=False)


@pytest.mark.parametrize(
    ("host", "name", "known"),
    [
        ("127.0.0.1", "", False),
        ("127.0.0.1", "127.0.0.1:8765", True),
        ("127.0.0.1", "localhost:8765", True),
        ("127.0.0.1", "LOCALHOST:8765", True),
        ("127.0.0.1", "[::1]:8765", True),
        ("127.0.0.1", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1:80", False),
        ("127.0.0.1", "evil.example:8765", False),
        ("127.0.0.1", "127.0.0.1.evil.example:8765", False),
        ("127.0.0.1", "192.168.0.7:8765", False),
        ("192.168.0.7", "192.168.0.7:8765", True),
        ("192.168.0.7", "192.168.0.8:8765", False),
        ("fe80::1", "[fe80::1]:8765", True),
        ("0.0.0.0", "192.168.0.7:8765", True),
        ("0.0.0.0", "[fe80::1]:8765", True),
        ("0.0.0.0", "evil.example:8765", False),
    ],
)
def test_hosts(host: str, name: str, known: bool):
    assert Access(TOKEN, host, 8765).knows_host(name) is known


def test_the_port_of_http_may_be_left_out():
    access = Access(TOKEN, "127.0.0.1", 80)
    assert access.knows_host("localhost")
    assert access.knows_host("localhost:80")
    assert not access.knows_host("localhost:81")
    assert not access.knows_host("evil.example")


@pytest.mark.parametrize("path", ["/", "/labels", "/static/app.css", HEALTH, "/nothing"])
def test_nothing_is_answered_without_the_token(anonymous: TestClient, path: str):
    answer = anonymous.get(path)
    assert (answer.status_code, answer.json()["error"]["kind"]) == (401, "token")


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", HEALTH, BEARER, 200),
        ("GET", HEALTH, {"Authorization": f"bearer {TOKEN}"}, 200),
        ("GET", HEALTH, COOKIE, 200),
        ("GET", HEALTH, {"Cookie": f"a=b; emorec-8765={TOKEN}"}, 200),
        ("GET", HEALTH, {"Cookie": f"emorec-8766={TOKEN}"}, 401),
        ("GET", HEALTH, {"Cookie": "emorec-8765=wrong"}, 401),
        ("GET", HEALTH, {"Authorization": "Bearer wrong"}, 401),
        ("GET", HEALTH, {"Authorization": TOKEN}, 401),
        ("GET", HEALTH, {"Authorization": b"Bearer \xe9"}, 401),
        ("GET", f"{HEALTH}?token={TOKEN}", {}, 401),
        ("GET", HEALTH, {**BEARER, "Host": "evil.example:8765"}, 403),
        ("GET", HEALTH, {**COOKIE, **OWN}, 200),
        ("GET", HEALTH, {**COOKIE, **FOREIGN}, 403),
        ("GET", HEALTH, {**COOKIE, "Sec-Fetch-Site": "same-origin"}, 200),
        ("GET", HEALTH, {**COOKIE, "Sec-Fetch-Site": "cross-site"}, 403),
        ("GET", HEALTH, {**COOKIE, "Sec-Fetch-Site": "same-site"}, 403),
        ("GET", HEALTH, {**BEARER, **FOREIGN}, 403),
        # A link of another page may open this one; what it shows stays out of reach.
        ("GET", "/", {**COOKIE, "Sec-Fetch-Site": "cross-site"}, 200),
        ("POST", RECOGNIZE, {**COOKIE, **FOREIGN}, 403),
        ("POST", RECOGNIZE, {**COOKIE, "Origin": "null"}, 403),
        ("POST", RECOGNIZE, {**COOKIE, "Origin": "http://127.0.0.1:9999"}, 403),
        ("POST", RECOGNIZE, {**COOKIE, "Origin": "https://127.0.0.1:8765"}, 403),
        ("POST", RECOGNIZE, COOKIE, 403),
        ("POST", RECOGNIZE, {**COOKIE, **OWN}, 400),
        ("POST", RECOGNIZE, BEARER, 400),
        ("POST", "/", {**COOKIE, **FOREIGN}, 403),
        ("DELETE", "/api/v1/sessions/x", {**COOKIE, **FOREIGN}, 403),
        ("DELETE", "/api/v1/sessions/x", {**COOKIE, **OWN}, 404),
        ("OPTIONS", RECOGNIZE, {**FOREIGN, "Access-Control-Request-Method": "POST"}, 403),
    ],
)
def test_requests(anonymous: TestClient, method: str, path: str, headers: dict, status: int):
    answer = anonymous.request(method, path, headers=headers)
    assert answer.status_code == status
    assert {name: answer.headers[name] for name in HEADERS} == HEADERS
    assert not any(name.startswith("access-control") for name in answer.headers)


def test_a_header_that_decides_cannot_be_there_twice(anonymous: TestClient):
    headers = [("Host", "127.0.0.1:8765"), ("Host", "evil.example"), *BEARER.items()]
    assert anonymous.get(HEALTH, headers=headers).status_code in (400, 403)


def test_the_token_moves_to_a_cookie(anonymous: TestClient):
    answer = anonymous.get(f"/?token={TOKEN}", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    parts = set(answer.headers["set-cookie"].split("; "))
    assert parts == {f"emorec-8765={TOKEN}", "HttpOnly", "Path=/", "SameSite=strict"}
    assert anonymous.get("/").status_code == 200


@pytest.mark.parametrize("query", ["", "?token=", "?token=wrong", f"?token={TOKEN}x"])
def test_a_wrong_token_sets_no_cookie(anonymous: TestClient, query: str):
    answer = anonymous.get(f"/{query}", follow_redirects=False)
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {},
        FOREIGN,
        COOKIE,
        {**COOKIE, **FOREIGN},
        {**BEARER, **FOREIGN},
        {**COOKIE, **OWN, "Host": "evil.example:8765"},
    ],
)
def test_a_foreign_page_opens_no_camera(anonymous: TestClient, headers: dict):
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        anonymous.websocket_connect("ws://127.0.0.1:8765/api/v1/camera", headers=headers),
    ):
        pass
    assert refused.value.code == 1008


@pytest.mark.parametrize("headers", [BEARER, {**COOKIE, **OWN}])
def test_the_own_page_opens_a_camera(anonymous: TestClient, headers: dict):
    with anonymous.websocket_connect("ws://127.0.0.1:8765/api/v1/camera", headers=headers) as own:
        own.send_text("{}")
        assert own.receive_json()["error"]["kind"] == "data"
