"""Models pulled from a stub of the hub on 127.0.0.1: whole, damaged, interrupted, refused."""

import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.hub_server import COMMIT, REPO, TOKEN, StubHub, stub_hub
from helpers.onnx_models import tiny_model

from emorec import resources
from emorec.errors import DataError, MissingDependencyError, ModelError
from emorec.locks import locked
from emorec.models import download, hub
from emorec.models.files import find_model
from emorec.models.hub import pull
from emorec.models.hub_address import HubAddress
from emorec.models.onnx_limits import check_graph
from emorec.models.pulled import hub_folder, read_record

if importlib.util.find_spec("huggingface_hub") is None:
    pytest.skip("huggingface_hub is not installed", allow_module_level=True)

MODEL = tiny_model().SerializeToString()
SHA256 = hashlib.sha256(MODEL).hexdigest()
ADDRESS = HubAddress.parse(f"hf://{REPO}")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, no waits, and no proxy, token or settings from outside."""
    for name in list(os.environ):
        if name.startswith("HF_") or name.lower() in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setattr(download, "WAIT_S", 0)
    monkeypatch.setenv(resources.CACHE_VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StubHub]:
    with stub_hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.files = {"README.md": b"# A model", "model.onnx": MODEL}
        yield server


def stored() -> list[str]:
    """Paths of all files below the folder of the hub."""
    root = hub_folder()
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_a_model_is_pulled_recorded_and_found_without_the_network(server: StubHub) -> None:
    steps: list[tuple[int, int]] = []
    file, is_new = pull(ADDRESS, progress=lambda done, total: steps.append((done, total)))
    assert is_new
    assert (file.name, file.sha256, file.problem()) == (f"hf://{REPO}/model.onnx", SHA256, None)
    assert file.path.read_bytes() == MODEL
    assert steps[-1] == (len(MODEL), len(MODEL))
    assert stored() == ["owner/repo/main/model.onnx", "owner/repo/main/model.onnx.json"]
    record = read_record(ADDRESS.of_file("model.onnx"))
    assert record is not None
    assert (record.commit, record.sha256, record.size) == (COMMIT, SHA256, len(MODEL))
    (headers,) = server.downloads
    assert headers["User-Agent"].startswith("emorec/")
    asked = len(server.requests)
    for name in (f"hf://{REPO}", f"hf://{REPO}/model.onnx", file.name):
        assert find_model(name, ("onnx",)) == file.path
    assert len(server.requests) == asked


def test_what_is_there_is_not_downloaded_again(server: StubHub) -> None:
    file, _ = pull(ADDRESS)
    assert pull(ADDRESS) == (file, False)
    assert len(server.downloads) == 1
    # A pinned file needs no network at all.
    asked = len(server.requests)
    assert pull(ADDRESS.of_file("model.onnx"), SHA256) == (file, False)
    at_commit = HubAddress("owner", "repo", COMMIT, "model.onnx")
    pinned, is_new = pull(at_commit)
    assert is_new
    assert pull(at_commit) == (pinned, False)
    assert len(server.requests) == asked + 2
    file.path.write_bytes(b"damaged")
    with pytest.raises(ModelError, match="damaged or changed; fetch it again with: emorec models"):
        find_model(file.name)
    assert pull(ADDRESS) == (file, True)
    assert file.path.read_bytes() == MODEL


def test_a_branch_that_moved_replaces_the_file(server: StubHub) -> None:
    file, _ = pull(ADDRESS)
    server.files["model.onnx"] = tiny_model(seed=1).SerializeToString()
    server.revisions["main"] = "f" * 40
    newer, is_new = pull(ADDRESS)
    assert (newer.path, is_new) == (file.path, True)
    assert newer.sha256 != SHA256
    record = read_record(ADDRESS.of_file("model.onnx"))
    assert record is not None
    assert record.commit == "f" * 40


def test_revisions_are_kept_apart(server: StubHub) -> None:
    server.revisions["refs/pr/1"] = "a" * 40
    first, _ = pull(ADDRESS)
    second, _ = pull(HubAddress.parse(f"hf://{REPO}@refs%2Fpr%2F1"))
    assert second.name == f"hf://{REPO}@refs%2Fpr%2F1/model.onnx"
    assert second.path.parent.name == "refs%2Fpr%2F1"
    assert find_model(second.name) == second.path != first.path


def test_a_plain_file_of_git_is_checked_by_its_git_hash(server: StubHub) -> None:
    server.plain.add("model.onnx")
    assert pull(ADDRESS)[0].sha256 == SHA256
    assert not pull(ADDRESS)[1]
    server.stated["model.onnx"] = {"blobId": "1" * 40}
    with pytest.raises(ModelError, match=r"its Git hash is [0-9a-f]{40}, not 1{40}"):
        pull(ADDRESS)


def test_the_file_is_chosen(server: StubHub) -> None:
    server.files["model.keras"] = b"not wanted"
    assert pull(ADDRESS)[0].path.name == "model.onnx"
    server.files["other/model.onnx"] = MODEL
    with pytest.raises(ModelError, match=r"2 models; write which one: hf://owner/repo/FILE; its m"):
        pull(ADDRESS)
    assert pull(ADDRESS.of_file("other/model.onnx"))[0].path.parent.name == "other"
    with pytest.raises(ModelError, match="2 models were pulled from it: hf://owner/repo/model"):
        find_model(f"hf://{REPO}")


def test_a_download_that_is_cut_off_continues(server: StubHub) -> None:
    server.cuts = [300, 0, 200]
    assert pull(ADDRESS)[0].path.read_bytes() == MODEL
    ranges = [headers.get("Range") for headers in server.downloads]
    assert ranges == [None, "bytes=300-", "bytes=300-", "bytes=500-"]


def test_a_later_run_continues(server: StubHub) -> None:
    server.cuts = [300, 0, 0, 0]
    with pytest.raises(ModelError, match=r"ended after 300 of [\d,]+ bytes; run the command again"):
        pull(ADDRESS)
    assert stored() == [f".partial/{SHA256}.onnx"]
    assert pull(ADDRESS)[0].path.read_bytes() == MODEL
    assert server.downloads[-1]["Range"] == "bytes=300-"
    assert len(server.downloads) == 5
    assert ".partial" not in "".join(stored())


def test_a_server_that_ignores_ranges(server: StubHub) -> None:
    server.cuts, server.ignores_ranges = [300], True
    assert pull(ADDRESS)[0].path.read_bytes() == MODEL


def test_old_interrupted_downloads_are_deleted(server: StubHub) -> None:
    folder = hub_folder() / ".partial"
    folder.mkdir(parents=True)
    old, recent = folder / "old.onnx", folder / "recent.onnx"
    old.write_bytes(b"")
    recent.write_bytes(b"")
    os.utime(old, (0, 0))
    pull(ADDRESS)
    assert list(folder.iterdir()) == [recent]


def test_a_damaged_file_is_not_stored(server: StubHub) -> None:
    server.stated["model.onnx"] = {"lfs": {"size": 9, "sha256": "a" * 64, "pointerSize": 1}}
    with pytest.raises(ModelError, match=rf"its SHA-256 is {SHA256}, not a{{64}}; nothing was sav"):
        pull(ADDRESS)
    assert stored() == []


def test_another_file_than_the_pinned_one(server: StubHub) -> None:
    with pytest.raises(ModelError, match=r"not b{64}; nothing was downloaded"):
        pull(ADDRESS, "b" * 64)
    assert server.downloads == []
    server.plain.add("model.onnx")
    with pytest.raises(ModelError, match=r"not b{64}; nothing was saved"):
        pull(ADDRESS, "b" * 64)
    assert stored() == []


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"size": 2**30 + 1}, "the file has 1,073,741,825 bytes; emorec runs models of"),
        ({"size": 0}, "the file has 0 bytes"),
        ({"size": None}, "the file has 0 bytes"),
        ({"size": -1}, "the file has -1 bytes"),
        ({"lfs": {"size": 1, "sha256": "../x", "pointerSize": 1}}, "no commit or no hash"),
        ({"lfs": None, "blobId": "../../x"}, "no commit or no hash"),
        ({"lfs": None, "blobId": None}, "no commit or no hash"),
    ],
)
def test_files_refused_before_the_download(server: StubHub, stated, message) -> None:
    server.stated["model.onnx"] = stated
    with pytest.raises(ModelError, match=message):
        pull(ADDRESS)
    assert server.downloads == []


def test_not_a_byte_more_than_stated_is_received(server: StubHub) -> None:
    server.stated["model.onnx"] = {"size": 100}
    with pytest.raises(ModelError, match="its SHA-256 is"):
        pull(ADDRESS)
    assert stored() == []


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "the repository has no .onnx or .keras file"),
        ({"pytorch_model.bin": b"x", "x.pkl": b"x"}, "the repository has no .onnx or .keras file"),
        ({"../up.onnx": MODEL}, "the repository has no .onnx or .keras file"),
        ({"model.onnx": b"no model"}, "hf://owner/repo/model.onnx: not an ONNX file, or a damaged"),
        ({"model.keras": b"no model"}, "hf://owner/repo/model.keras: not a .keras file, or a"),
    ],
)
def test_files_that_are_no_models(server: StubHub, files, message) -> None:
    server.files = files
    with pytest.raises(ModelError, match=message):
        pull(ADDRESS)
    assert stored() == []


def test_a_model_without_metadata_can_be_adopted(server: StubHub) -> None:
    bare = tiny_model()
    del bare.metadata_props[:]
    server.files["model.onnx"] = bare.SerializeToString()
    with pytest.raises(
        ModelError, match=r"hf download owner/repo model\.onnx --local-dir"
    ) as caught:
        pull(ADDRESS)
    assert "emorec models adopt" in str(caught.value)
    assert stored() == []


def test_a_model_beyond_the_limits(server: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(data: bytes, shape: tuple[int, ...]) -> None:
        check_graph(data, shape)
        raise ValueError(f"too large at {shape}")

    monkeypatch.setattr(hub, "check_graph", refuse)
    with pytest.raises(ModelError, match=r"model.onnx: the model is refused: too large at \(1, 48"):
        pull(ADDRESS)
    assert stored() == []


@pytest.mark.parametrize(
    ("address", "status", "message"),
    [
        ("hf://owner/none", None, "hf://owner/none: no such repository, or a private one"),
        ("hf://owner/repo@v9", None, "the repository has no revision 'v9'"),
        ("hf://owner/repo/x.onnx", None, "the repository has no such file; its models: model.onnx"),
        ("hf://owner/repo", (403, "GatedRepo"), "accept the terms of the repository on its page"),
        ("hf://owner/repo", (401, "RepoNotFound"), "no such repository, or a private one"),
        ("hf://owner/repo", (401, ""), "the hub answered 401: a wrong token or no access; log in"),
        ("hf://owner/repo", (503, ""), "the hub answered 503; try again later"),
    ],
)
def test_answers_of_the_hub(server: StubHub, address, status, message) -> None:
    server.status = status
    with pytest.raises(ModelError, match=message) as caught:
        pull(HubAddress.parse(address))
    assert "\n" not in str(caught.value)
    assert stored() == []


def test_no_hub_listens(server: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ModelError, match=r"hf://owner/repo: cannot reach the hub: .*HF_ENDPOINT"):
        pull(ADDRESS)


def test_the_token_goes_to_the_hub_alone_and_is_never_printed(
    server: StubHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with stub_hub() as other:
        other.files = server.files
        server.moved_to = other.url
        assert pull(ADDRESS)[0].path.read_bytes() == MODEL
        assert [f"Bearer {TOKEN}" in headers.values() for _, _, headers in server.requests] == [
            True,
            True,
        ]
        assert [TOKEN in str(headers) for headers in other.downloads] == [False]
    monkeypatch.setenv("HF_ENDPOINT", f"http://{TOKEN}@127.0.0.1:9")
    with pytest.raises(ModelError) as caught:
        pull(ADDRESS)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("scheme", ["ftp", "file"])
def test_redirects_to_other_schemes_are_refused(server: StubHub, scheme: str) -> None:
    server.moved_to = f"{scheme}://127.0.0.1"
    with pytest.raises(ModelError, match="cannot fetch the file"):
        pull(ADDRESS)
    assert not hub_folder().joinpath("owner", "repo", "main", "model.onnx").exists()


def test_another_process_pulls_the_same_file(server: StubHub) -> None:
    folder = hub_folder() / ".partial"
    folder.mkdir(parents=True)
    with locked(folder / f"{SHA256}.lock", "busy"), pytest.raises(DataError, match="another proc"):
        pull(ADDRESS)
    assert pull(ADDRESS)[1]


def test_a_folder_that_cannot_be_written(server: StubHub, cache: Path) -> None:
    cache.write_bytes(b"a file in the way")
    with pytest.raises(DataError, match=r"model\.onnx: cannot write the file"):
        pull(ADDRESS)


def test_the_package_is_missing(server: StubHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[hub\]"):
        pull(ADDRESS)
