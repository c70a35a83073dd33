"""Uploads beyond a limit are refused, whether they announce their size or not."""

import asyncio
from collections.abc import Iterator

import pytest

from emorec.app.limits import AppLimits, WorkSlots, busy, too_large
from emorec.app.responses import RequestError

LIMITS = AppLimits(image_bytes=1000, images_bytes=3000, image_count=2, video_bytes=5000)


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        ("recognize", 1001, 413),
        ("videos", 5001, 413),
        ("videos", 10 * 2**30, 413),
        ("sessions", 70_000, 413),
        ("recognize", 900, 422),
    ],
)
def test_an_announced_size(make_client, path: str, size: int, status: int):
    """The body is not sent: the answer comes before."""
    client = make_client(LIMITS)
    body = b"x" * size if status == 422 else b""
    headers = {"Content-Length": str(size)}
    answer = client.post(f"/api/v1/{path}", content=body, headers=headers)
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["error"]["kind"] == "too_large"
        assert answer.headers["connection"] == "close"


def pieces(count: int) -> Iterator[bytes]:
    for _ in range(count):
        yield b"x" * 500


@pytest.mark.parametrize(("path", "count"), [("recognize", 3), ("videos", 11)])
def test_a_streamed_upload_is_cut(make_client, tmp_path, path: str, count: int):
    answer = make_client(LIMITS).post(f"/api/v1/{path}", content=pieces(count))
    assert (answer.status_code, answer.json()["error"]["kind"]) == (413, "too_large")
    assert list((tmp_path / "app").iterdir()) == []


@pytest.mark.parametrize(
    ("sizes", "status"),
    [([500, 500], 422), ([10, 10, 10], 400), ([1500], 413), ([1800, 1800], 413)],
)
def test_several_images(make_client, sizes: list[int], status: int):
    files = [("image", (f"{size}.jpg", b"x" * size)) for size in sizes]
    answer = make_client(LIMITS).post("/api/v1/recognize", files=files)
    # Two damaged images are two records that say so.
    assert answer.status_code == (200 if status == 422 else status)


def test_a_length_that_is_no_number(make_client):
    answer = make_client(LIMITS).post("/api/v1/recognize", headers={"Content-Length": "-5"})
    assert answer.status_code == 413


@pytest.mark.parametrize(
    ("size", "text"), [(2**30, "1024 MiB"), (2**20, "1 MiB"), (64 * 2**10, "64 KiB")]
)
def test_the_message_names_the_limit(size: int, text: str):
    assert str(too_large(size)) == f"the upload is too large; the limit is {text}"


def test_few_work_some_wait_and_the_rest_is_refused():
    async def run() -> tuple[int, int, int]:
        slots = WorkSlots(2, 3)
        working = most = refused = done = 0

        async def work() -> None:
            nonlocal working, most, refused, done
            try:
                async with slots.taken():
                    working += 1
                    most = max(most, working)
                    await asyncio.sleep(0.01)
                    working -= 1
                    done += 1
            except RequestError as error:
                refused += error.status == 503

        await asyncio.gather(*(work() for _ in range(10)))
        return most, done, refused

    assert asyncio.run(run()) == (2, 5, 5)


def test_busy_says_when_to_come_again():
    assert busy("full").headers == {"Retry-After": "2"}


def test_an_upload_that_stops_is_ended():
    async def run() -> int:
        from emorec.app.limits import BodyLimit

        sent = []

        async def app(scope, receive, send):
            try:
                while (await receive()).get("more_body"):
                    pass
            except RequestError as error:
                sent.append(error.status)

        async def receive():
            await asyncio.sleep(10)

        scope = {"type": "http", "path": "/api/v1/videos", "headers": []}
        await BodyLimit(app, AppLimits(idle_s=0.01))(scope, receive, None)
        return sent[0]

    assert asyncio.run(run()) == 408
