import contextlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import onnx
import onnxruntime
import pytest
from helpers.onnx_models import METADATA, set_metadata, tiny_model, write_tiny_model
from helpers.permissions import permissions_apply
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper

from emorec import resources
from emorec.errors import ModelError
from emorec.metadata import COST_KEY, METADATA_KEY, ModelCost, ModelMetadata
from emorec.models import files, keras_archive
from emorec.models.files import find_model, read_cost, read_metadata
from emorec.models.registry import EMOTIONS, TRAINABLE, shipped


@pytest.fixture
def here(tmp_path: Path, monkeypatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make_run(folder: str, *members: str) -> None:
    Path(folder).mkdir(parents=True)
    for name in members:
        (Path(folder) / name).write_bytes(b"")


def refusal(named: str | Path, formats: tuple[str, ...] = ("onnx", "keras")) -> str:
    with pytest.raises(ModelError) as caught:
        find_model(named, formats)
    assert "\n" not in str(caught.value)
    return str(caught.value)


BOTH = ("config.yaml", "model.onnx", "model.keras")


@pytest.mark.parametrize(
    ("named", "formats", "expected"),
    [
        ("own.onnx", ("onnx", "keras"), "own.onnx"),
        ("own.h5", ("keras", "h5"), "own.h5"),
        ("runs/20260101-120000-compact", ("onnx", "keras"), "{}/model.onnx"),
        ("runs/20260101-120000-compact", ("keras", "onnx"), "{}/model.keras"),
        ("runs/20260101-120000-compact/", ("keras", "h5"), "{}/model.keras"),
        ("runs/20260101-12", ("onnx",), "{}/model.onnx"),
        ("20260101-12", ("onnx",), "{}/model.onnx"),
        ("20260101-120000-compact", ("onnx",), "{}/model.onnx"),
        ("2027", ("onnx", "keras"), "runs/20270101-000000-vgg13/model.keras"),
        ("other", ("onnx", "keras"), "other-run/model.onnx"),
    ],
)
def test_names_of_files_and_run_folders(here: Path, named, formats, expected):
    make_run("runs/20260101-120000-compact", *BOTH)
    make_run("runs/20260101-120000-compact-2", "notes.txt")  # no run
    make_run("runs/20270101-000000-vgg13", "model.keras")
    make_run("other-run", "model.onnx")
    for name in ("own.onnx", "own.h5"):
        Path(name).write_bytes(b"")
    assert find_model(named, formats) == Path(expected.format("runs/20260101-120000-compact"))
    assert find_model(here / "own.onnx") == here / "own.onnx"


def test_a_whole_name_wins_over_a_longer_one(here: Path):
    make_run("runs/a", *BOTH)
    make_run("runs/a-2", *BOTH)
    assert find_model("a") == find_model("runs/a") == Path("runs/a/model.onnx")


@pytest.mark.parametrize("file", [f for f in shipped() if f.kind in (EMOTIONS, TRAINABLE)])
def test_listed_models(here: Path, file):
    make_run(f"runs/{file.name}-2", *BOTH)
    assert find_model(file.name) == file.path
    if file.kind == TRAINABLE:
        assert "must be a .onnx file" in refusal(file.name, ("onnx",))
    else:
        assert find_model(file.name, ("keras",)) == file.path.with_suffix(".keras")


@pytest.mark.parametrize(("name", "kind"), [("alt", "Haar cascade"), ("yunet", "face detector")])
def test_listed_files_that_are_no_emotion_models(here: Path, name, kind):
    assert refusal(name).startswith(f"{name}: a {kind}, not an emotion model")


def test_nothing_of_that_name(here: Path):
    assert refusal("").startswith("(empty name): no such model file")
    assert refusal("none.onnx") == (
        "none.onnx: no such model file, run folder or name of `emorec models list`"
    )
    assert refusal("VGG16").endswith(
        "; vgg16 is an architecture, of which emorec train --arch vgg16 trains a model"
    )
    assert refusal("emorec-compat").endswith(
        "names: emorec-compact, emorec-compact.keras, emorec-nano"
    )
    make_run("runs/20260101-120000-compact", *BOTH)
    Path("best.onnx").write_bytes(b"")
    assert refusal("runs/20260102-120000-compact").endswith("runs/20260101-120000-compact")
    assert refusal("20260102-120000-compact").endswith(": 20260101-120000-compact")
    assert refusal("bset.onnx").endswith(": best.onnx")
    assert "such" in refusal("x\0y")
    assert refusal("x" * 5000)


def test_several_run_folders_with_the_same_beginning(here: Path):
    for number in range(7):
        make_run(f"runs/2026010{number}-120000-compact", *BOTH)
    message = refusal("runs/202601")
    assert message.startswith("runs/202601: 7 run folders begin with it: runs/20260100-120000")
    assert message.endswith("runs/20260104-120000-compact and 2 more; write more of the name")


def test_files_of_another_format(here: Path):
    for name in ("a.keras", "a.txt", "a"):
        Path(name).write_bytes(b"")
    assert refusal("a.keras", ("onnx",)) == (
        "a.keras: the model must be a .onnx file; received '.keras'; write an ONNX file with: "
        "emorec export a.keras"
    )
    assert refusal("a.txt").endswith(
        "must be a .onnx or .keras file; received '.txt'; emorec models list prints the models of "
        "the package"
    )
    assert "; received ''; " in refusal("a")


def test_folders_without_a_model(here: Path):
    make_run("runs/unfinished", "config.yaml")
    assert refusal("runs/unfinished").endswith("holds neither model.onnx nor model.keras")
    assert refusal("unf", ("onnx",)) == "runs/unfinished: the folder holds no model.onnx"
    assert refusal("runs").endswith("; name one of its run folders: runs/unfinished")
    make_run("runs/other", "model.keras")
    assert refusal("runs/other", ("onnx",)).endswith(
        "the folder holds no model.onnx; write an ONNX file with: emorec export runs/other"
    )


def test_the_model_of_a_cross_validation_is_the_final_one(here: Path):
    make_run("runs/20260101-120000-compact-folds", "config.yaml", "folds.json")
    make_run("runs/20260101-120000-compact-folds/final", "config.yaml")
    message = refusal("20260101")
    assert "the final model of the cross-validation is missing; finish it with: emorec " in message
    assert message.endswith("train --resume runs/20260101-120000-compact-folds")
    final = Path("runs/20260101-120000-compact-folds/final")
    (final / "model.keras").touch()
    assert find_model("20260101") == final / "model.keras"
    assert "emorec export" in refusal("20260101", ("onnx",))
    (final / "model.onnx").touch()
    assert find_model(final.parent) == final / "model.onnx"


def test_a_folder_that_cannot_be_read(here: Path):
    make_run("runs/a", *BOTH)
    Path("runs").chmod(0)
    with permissions_apply():
        assert "Permission denied" in refusal("runs/a")
        assert "no such model file" in refusal("a")
    Path("runs").chmod(0o755)


def by_onnx_runtime(data: bytes) -> dict[str, str]:
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    return session.get_modelmeta().custom_metadata_map


@pytest.mark.parametrize(
    "path", [resources.shipped_model(), Path("scripts/teachers/emorec-compact-1.3.onnx")]
)
def test_metadata_are_those_that_onnx_runtime_returns(path: Path):
    path = Path(__file__).resolve().parents[2] / path
    found = by_onnx_runtime(path.read_bytes())
    assert read_metadata(path) == ModelMetadata.from_json(found[METADATA_KEY], "it")
    cost = found.get(COST_KEY)
    assert read_cost(path) == (cost and ModelCost.from_json(cost, "it"))


def test_the_shipped_keras_file_has_the_metadata_of_the_onnx_file():
    path = resources.shipped_keras_model()
    assert read_metadata(path) == read_metadata(resources.shipped_model())
    assert read_cost(path) is None


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from emorec import resources; from emorec.models.files import read_metadata; "
        "read_metadata(resources.shipped_model()); read_metadata(resources.shipped_keras_model()); "
        "print([n for n in ('onnxruntime', 'keras', 'onnx', 'tensorflow') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def assert_refused(path: Path, message: str) -> None:
    with pytest.raises(ModelError, match=message) as caught:
        read_metadata(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_a_repeated_property_counts_once_as_in_onnx_runtime(tmp_path: Path):
    model = tiny_model()
    model.metadata_props.add(key=METADATA_KEY, value=METADATA.replaced(name="second").to_json())
    model.metadata_props.add(key="x" * 100_000, value="y" * 100_000)
    path = tmp_path / "twice.onnx"
    onnx.save(model, path)
    found = by_onnx_runtime(path.read_bytes())[METADATA_KEY]
    assert read_metadata(path) == ModelMetadata.from_json(found, "it")
    assert read_metadata(path).name == "second"


def test_a_model_without_metadata(tmp_path: Path):
    path = write_tiny_model(tmp_path / "bare.onnx")
    model = onnx.load(path)
    helper.set_model_props(model, {"other": "text"})
    onnx.save(model, path)
    assert_refused(path, "has no emorec metadata")
    assert read_cost(path) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "not JSON"), ("{}", "unknown metadata format"), ('{"format": 1}', "lacks architecture")],
)
def test_a_model_with_wrong_metadata(tmp_path: Path, text, message):
    model = tiny_model()
    set_metadata(model, text)
    onnx.save(model, tmp_path / "odd.onnx")
    assert_refused(tmp_path / "odd.onnx", message)


@pytest.mark.parametrize("data", [b"", b"hello", tiny_model().SerializeToString()[:-700]])
def test_bytes_that_are_no_onnx_model(tmp_path: Path, data):
    path = tmp_path / "broken.onnx"
    path.write_bytes(data)
    assert_refused(path, "not an ONNX file, or a damaged one")


def test_a_file_over_the_limit_is_not_read(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(files, "MAX_FILE_BYTES", 100)
    assert_refused(write_tiny_model(tmp_path / "tiny.onnx"), "models up to 1 GiB")


def test_files_that_are_not_there(tmp_path: Path):
    for path in (tmp_path / "none.onnx", tmp_path / "none.keras", tmp_path):
        assert_refused(path, "no such model file")


def keras_file(path: Path, text: str | bytes | None, **options) -> Path:
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("config.json", "{}")
        if text is not None:
            archive.writestr(keras_archive.METADATA, text)
    return path


def test_metadata_of_a_keras_file(tmp_path: Path):
    for options in ({}, {"compression": zipfile.ZIP_DEFLATED}):
        assert read_metadata(keras_file(tmp_path / "m.keras", METADATA.to_json(), **options)) == (
            METADATA
        )


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (None, {}, "lacks its emorec metadata"),
        ("", {}, "not JSON"),
        ("{}", {}, "unknown metadata format"),
        (b"\xff", {}, "not a .keras file, or a damaged one"),
        (METADATA.to_json(), {"compression": zipfile.ZIP_BZIP2}, "has the compression 12"),
        ("x" * 1000, {"compression": zipfile.ZIP_DEFLATED}, "at most 500 are read"),
    ],
)
def test_keras_files_with_wrong_metadata(tmp_path: Path, monkeypatch, text, options, message):
    limit = 500 if "at most" in message else keras_archive.MAX_JSON_BYTES
    monkeypatch.setattr(keras_archive, "MAX_JSON_BYTES", limit)
    assert_refused(keras_file(tmp_path / "m.keras", text, **options), message)


def test_an_encrypted_member(tmp_path: Path):
    path = keras_file(tmp_path / "m.keras", METADATA.to_json())
    entry = b"PK\x01\x02\x14\x03\x14\x00"  # up to the flags, of which the first is encryption
    path.write_bytes(path.read_bytes().replace(entry + b"\x00", entry + b"\x01"))
    assert_refused(path, "cannot be read: .*encrypted")


@settings(max_examples=300)
@given(data=st.data())
def test_damaged_keras_files_give_metadata_or_a_model_error(tmp_path_factory, data):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(keras_archive.METADATA, METADATA.to_json())
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damaged") / "m.keras"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(ModelError):
        assert read_metadata(path) == METADATA
