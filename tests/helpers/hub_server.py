"""A stub of the Hugging Face hub on 127.0.0.1: one repository, and ways in which it can fail."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

REPO = "owner/repo"
COMMIT = "1234567890abcdef1234567890abcdef12345678"
TOKEN = "hf_secretsecretsecret"


class StubHub(ThreadingHTTPServer):
    """A server with one repository.

    Attributes:
        files: Content of the files by name.
        revisions: Commit of each revision.
        plain: Files that Git holds itself, with a SHA-1 alone.
        stated: Other values in the list of files, by name, such as a wrong size.
        cuts: Numbers of bytes after which the next connections end.
        status: Status of all answers instead, with the error code of the hub.
        moved_to: Address of another server to which downloads redirect.
        ignores_ranges: Whether each answer is the whole file.
        requests: Method, path and headers of all requests.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.revisions = {"main": COMMIT, COMMIT: COMMIT}
        self.plain: set[str] = set()
        self.stated: dict[str, dict[str, Any]] = {}
        self.cuts: list[int] = []
        self.status: tuple[int, str] | None = None
        self.moved_to = ""
        self.ignores_ranges = False
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def downloads(self) -> list[dict[str, str]]:
        """Headers of the requests for files."""
        return [headers for _, path, headers in self.requests if "/resolve/" in path]

    def described(self, name: str) -> dict[str, Any]:
        content = self.files[name]
        entry: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": "0" * 40}
        if name in self.plain:
            blob = b"blob %d\0" % len(content) + content
            entry["blobId"] = hashlib.sha1(blob).hexdigest()
        else:
            sha256 = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"size": len(content), "sha256": sha256, "pointerSize": 130}
        return entry | self.stated.get(name, {})


class _Handler(BaseHTTPRequestHandler):
    server: StubHub

    def do_GET(self) -> None:
        self.server.requests.append(("GET", self.path, dict(self.headers)))
        path = unquote(urlsplit(self.path).path)
        api, files = f"/api/models/{REPO}/revision/", f"/{REPO}/resolve/"
        if self.server.status is not None:
            self._fail(*self.server.status)
        elif path.startswith(api):
            self._describe(path.removeprefix(api))
        elif path.startswith(files):
            commit, _, name = path.removeprefix(files).partition("/")
            assert commit in self.server.revisions.values()
            if self.server.moved_to:
                self.send_response(302)
                self.send_header("Location", self.server.moved_to + self.path)
                self.end_headers()
            else:
                self._send_file(self.server.files[name])
        else:
            self._fail(404, "RepoNotFound")

    def _fail(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _describe(self, revision: str) -> None:
        if revision not in self.server.revisions:
            self._fail(404, "RevisionNotFound")
            return
        owner = REPO.partition("/")[0]
        body = json.dumps(
            {
                "id": REPO,
                "modelId": REPO,
                "author": owner,
                "sha": self.server.revisions[revision],
                "siblings": [self.server.described(name) for name in self.server.files],
            }
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _send_file(self, content: bytes) -> None:
        start = 0
        wanted = self.headers.get("Range")
        if wanted and not self.server.ignores_ranges:
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        most = self.server.cuts.pop(0) if self.server.cuts else len(content)
        self.wfile.write(content[start : start + most])

    def log_message(self, *arguments: object) -> None:
        """Log nothing."""


@contextmanager
def stub_hub() -> Iterator[StubHub]:
    """Run a stub of the hub while the block runs."""
    server = StubHub()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
