"""Wrong commands: the exit code, and a message that names the problem and the next step."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from helpers.checkouts import make_checkout, make_images
from helpers.permissions import permissions_apply
from helpers.pixel_files import pixel_csv

from emorec.cli.main import main

NO_COMMAND = "No such command"
NEEDS_RECORDS = "--resume needs --jsonl FILE or --csv FILE of the interrupted run"
RAW = "raw data, not a prepared data set; prepare it with: emorec prepare-data"

COMMANDS = [
    # Names of commands and options
    ("detct ok.png", 2, f"{NO_COMMAND} 'detct'. Did you mean 'detect'?"),
    ("Detect ok.png", 2, f"{NO_COMMAND} 'Detect'. Did you mean 'detect'?"),
    ("predict ok.png", 2, f"{NO_COMMAND} 'predict'. Did you mean 'detect'?"),
    ("prepare FERPlus", 2, f"{NO_COMMAND} 'prepare'. Did you mean 'prepare-data'?"),
    ("trian --data d", 2, f"{NO_COMMAND} 'trian'. Did you mean 'train'?"),
    ("validate run", 2, f"{NO_COMMAND} 'validate'. Did you mean 'evaluate'?"),
    ("saliency ok.png", 2, f"{NO_COMMAND} 'saliency'. Did you mean 'explain'?"),
    ("pull yunet", 2, f"{NO_COMMAND} 'pull'. Did you mean 'models pull'?"),
    ("models lst", 2, f"{NO_COMMAND} 'lst'. Did you mean 'list'?"),
    ("ok.png", 2, "To detect the faces in this file: emorec detect ok.png"),
    ("zebra", 2, f"{NO_COMMAND} 'zebra'. Known commands: datasets, prepare-data, "),
    ("detect --modle m.onnx ok.png", 2, "No such option '--modle'."),
    ("detect", 2, "Missing argument 'SOURCE...'"),
    # Values of options
    ("detect ok.png --detector yunte", 2, "Did you mean 'yunet'?"),
    ("detect ok.png --classes 9", 2, "'9' is not one of '7', '8'."),
    ("detect ok.png --roi 1,2,3", 2, "'1,2,3' is not four whole numbers x,y,w,h"),
    ("detect ok.png --prior rare", 2, "natural, balanced"),
    ("detect ok.png --workers 0", 2, "0 is not in the range 1<=x<=256"),
    ("prepare-data own --out o --layout foldrs", 2, "Did you mean 'folders'?"),
    ("prepare-data own --out o --policy majorty", 2, "Did you mean 'majority'?"),
    ("prepare-data own --out o --validation 1", 2, "1.0 is not in the range 0<=x<1"),
    ("evaluate m.onnx --data own --split tset", 2, "Did you mean 'test'?"),
    ("train --data d --optimizer adam", 2, "Did you mean 'adamw'?"),
    ("train --data d --set epochs", 2, "--set needs KEY=VALUE, such as augmentation.zoom=0.1"),
    ("train --data d --set epochs=[", 2, "--set epochs: '[' is not a YAML value: while parsing"),
    ("train --data d --set epochs=*a", 2, "--set epochs: '*a' is not a YAML value: aliases such"),
    ("train", 2, "Missing option '--data'."),
    # Combinations of options
    ("detect ok.png --resume --no-save", 2, f"{NEEDS_RECORDS}; none is given"),
    (
        "detect ok.png --resume --json-file r.json",
        2,
        f"{NEEDS_RECORDS}; it does not go with --json",
    ),
    ("detect ok.png --resume --csv -", 2, f"{NEEDS_RECORDS}; it does not go with --csv -"),
    ("detect ok.png --save o --no-save", 2, "--save (or --out) and --no-save exclude each other"),
    (
        "detect ok.png --out r/ok.jpg",
        2,
        "'r/ok.jpg' is named like a file; name a folder, such as r/ok",
    ),
    ("prepare-data own --out o.zip", 2, "'o.zip' is named like a file; name a folder, such as o"),
    ("detect ok.png --smooth 1", 2, "--smooth is for videos; no SOURCE is a video"),
    ("detect ok.png --json-file none/r.json", 2, "name a file in an existing folder"),
    # Settings
    ("train --data d --epochs 0", 3, "error: --epochs: Input should be greater"),
    ("train --data d --set momentum=2", 3, "error: --set momentum: Input"),
    ("train --data d --set epoch=3", 3, "--set epoch: unknown key 'epoch'; did you mean 'epochs'?"),
    ("train --data d --set augmentation.zom=1", 3, "'augmentation.zom'; did you mean 'zoom'?"),
    ("train --data d --set augmentation.zoom=x", 3, "error: --set augmentation.zoom: "),
    ("train --data d --config bad.yaml", 3, "bad.yaml: unknown key 'epoch'; did you mean"),
    ("train --data d --config none.yaml", 3, "none.yaml: cannot read: No such file"),
    ("train --data d --arch vgg61", 3, "error: --arch: unknown architecture 'vgg61'; did you mean"),
    ("architectures vgg61", 3, "unknown architecture 'vgg61'; did you mean 'vgg16'? choose one"),
    # Data sets
    ("train --data nope", 4, "error: nope: no such folder; name a data set that"),
    ("train --data FERPuls", 4, "error: FERPuls: no such folder; did you mean 'FERPlus'?"),
    ("train --data FERPlus", 4, f"FERPlus: {RAW} FERPlus --out FER-2013"),
    ("train --data fer2013.csv", 4, f"fer2013.csv: {RAW} fer2013.csv --out FER-2013"),
    ("evaluate emorec-compact --data nope", 4, "error: nope: no such folder; name a data set"),
    ("evaluate emorec-compact --data own", 4, f"own: {RAW} own --out own-prepared"),
    ("export emorec-compact.keras --data own --out-file o.onnx", 4, f"own: {RAW} own --out"),
    ("data-report own", 4, f"own: {RAW} own --out own-prepared"),
    ("prepare-data nope --out o", 4, "nope: no such folder or file"),
    ("prepare-data empty --out o", 4, "empty: holds no image and no CSV file"),
    ("prepare-data texts --out o", 4, "texts: holds no image and no CSV file; left out: 1 .txt"),
    ("prepare-data a.tar.gz --out o", 4, "unpack it and name the folder"),
    # Models
    ("detect ok.png --model none.onnx", 5, "none.onnx: no such model file, run folder or name"),
    ("detect ok.png --model emorec-compat", 5, "similar names: emorec-compact"),
    ("detect ok.png --model w.h5", 5, "emorec train --data DATA --weights w.h5"),
    ("detect ok.png --model w.pt", 5, "emorec runs the models that emorec train or emorec export"),
    ("detect ok.png --model saved", 5, "saved: a TensorFlow SavedModel; emorec runs the models"),
    ("detect ok.png --model m.keras", 5, "write an ONNX file with: emorec export m.keras"),
    ("detect ok.png --model run", 5, "run: the folder holds no model.onnx; write an ONNX file"),
    ("detect ok.png --model own", 5, "own: the folder holds no model.onnx"),
    ("explain ok.png --model m.keras --method occlusion", 5, "m.keras: not a .keras file"),
    ("models show none.onnx", 5, "none.onnx: no such model file"),
    # Devices, on Linux with the usual wheel
    ("detect ok.png --device gpu", 2, "'gpu' is not one of 'auto', 'cpu', 'cuda'"),
    ("detect ok.png --device cuda", 6, "pip install 'onnxruntime-gpu[cuda,cudnn]'"),
    ("detect ok.png --device openvino", 6, "pip install onnxruntime-openvino"),
    ("detect ok.png --device directml", 3, "the device directml exists on Windows only"),
    ("detect a.mp4 --device coreml", 3, "the device coreml exists on Darwin only"),
    # Inputs
    ("detect none.png --no-save", 1, "none.png: no such file"),
    ("detect w.h5 --no-save", 1, "w.h5: the file is empty (0 bytes)"),
    ("detect @none.txt --no-save", 1, "@none.txt: cannot read the list: No such file"),
]
"""Command, exit code, and part of the message."""

CLOSED = [
    ("detect closed.png ok.png --no-save", 1, "closed.png: Permission denied"),
    ("detect closed/a.png ok.png --no-save", 1, "closed/a.png: Permission denied"),
    ("detect closed.mp4 --no-save", 1, "closed.mp4: Permission denied"),
    ("detect closed/a.mp4 ok.png --no-save", 1, "closed/a.mp4: Permission denied"),
    ("detect closed ok.png --no-save", 1, "closed: Permission denied"),
    ("detect @closed.txt --no-save", 1, "@closed.txt: cannot read the list: Permission denied"),
    ("detect @closed/a.txt --no-save", 1, "cannot read the list: Permission denied"),
    ("detect ok.png --model closed.onnx", 5, "closed.onnx: Permission denied"),
    ("detect ok.png --model closed/a.onnx", 5, "closed/a.onnx: Permission denied"),
    ("detect ok.png --model closed", 5, "closed/model.onnx: Permission denied"),
    ("detect ok.png --json-file closed/r.json", 4, "Permission denied; change its permissions"),
    ("models show closed.onnx", 5, "closed.onnx: Permission denied"),
    ("train --data closed/data", 4, "closed/data/manifest.csv: cannot read: Permission denied"),
    ("train --data d --config closed.yaml", 3, "closed.yaml: cannot read: Permission denied"),
    ("data-report closed", 4, "Permission denied"),
    ("prepare-data closed --out o", 4, "Permission denied"),
]
"""Commands on files and folders without permissions, in the same form."""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an input of each kind; the names of those without permissions say so."""
    folder = tmp_path_factory.mktemp("messages")
    make_checkout(folder / "FERPlus")
    make_images(folder / "own", {"happy": 3, "sad": 3})
    (folder / "fer2013.csv").write_text(pixel_csv())
    (folder / "bad.yaml").write_text("epoch: 3")
    files = ("saved/saved_model.pb", "run/config.yaml", "run/model.keras", "closed/a.png")
    for name in (*files, "texts/a.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
    (folder / "empty").mkdir()
    for name in ("a.tar.gz", "w.h5", "w.pt", "m.keras"):
        (folder / name).touch()
    cv2.imwrite(str(folder / "ok.png"), np.full((60, 80), 128, np.uint8))
    for suffix in ("png", "mp4", "txt", "onnx", "yaml"):
        (folder / f"closed.{suffix}").write_text("closed")
        (folder / f"closed.{suffix}").chmod(0)
    (folder / "closed").chmod(0)
    yield folder
    (folder / "closed").chmod(0o700)


def check(command: str, code: int, message: str) -> None:
    result = CliRunner().invoke(main, shlex.split(command), prog_name="emorec")
    text = " ".join(result.stderr.split())
    assert (result.exit_code, message in text) == (code, True), result.stderr
    assert "unexpected" not in text
    assert len(text) < 500
    if code > 2:
        assert result.stderr.startswith("error: ")
        assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(("command", "code", "message"), COMMANDS)
def test_wrong_commands(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, command: str, code: int, message: str
) -> None:
    monkeypatch.chdir(workplace)
    before = sorted(workplace.iterdir())
    check(command, code, message)
    assert sorted(workplace.iterdir()) == before


@pytest.mark.parametrize(("command", "code", "message"), CLOSED)
def test_missing_permissions_are_named(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, command: str, code: int, message: str
) -> None:
    monkeypatch.chdir(workplace)
    with permissions_apply():
        check(command, code, message)


def test_the_names_of_models_are_no_wrong_commands(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(workplace)
    result = CliRunner().invoke(
        main, ["detect", "ok.png", "--no-save", "--model", "emorec-compact"]
    )
    assert (result.exit_code, result.stderr) == (0, "")
