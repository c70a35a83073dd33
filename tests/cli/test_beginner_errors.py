"""Wrong commands that a beginner types: each message says what to type instead."""

import shlex
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from helpers.checkouts import make_checkout, make_images

from emorec import resources
from emorec.cli.main import main

RUN = "runs/20260101-120000-compact"
EXAMPLE = "Example: emorec"

COMMANDS = [
    # A command without the words it needs, or with words too many
    ("photo.jpg", 2, "To detect the faces in this file: emorec detect photo.jpg"),
    ("'my photo.jpg'", 2, "To detect the faces in this file: emorec detect 'my photo.jpg'"),
    ("photo.jpg detect", 2, "To detect the faces in this file: emorec detect photo.jpg"),
    ("webcam", 2, "Did you mean 'detect 0 --show'?"),
    ("detect", 2, f"Missing argument 'SOURCE...'. {EXAMPLE} detect photo.jpg"),
    ("train", 2, f"Missing option '--data'. {EXAMPLE} train --data FER-2013 --"),
    ("train FER-2013", 2, f"extra argument (FER-2013). {EXAMPLE} train --data FER-2013 --"),
    ("evaluate --data FER-2013", 2, f"Missing argument 'MODEL...'. {EXAMPLE} evaluate runs/"),
    (f"evaluate {RUN}", 2, f"Missing option '--data'. {EXAMPLE} evaluate {RUN} --data FER-2013"),
    ("export", 2, f"Missing argument 'MODEL'. {EXAMPLE} export {RUN}"),
    ("export emorec-nano n.onnx", 2, f"extra argument (n.onnx). {EXAMPLE} export"),
    ("prepare-data FERPlus", 2, f"{EXAMPLE} prepare-data FERPlus --out FER-2013"),
    ("models pull", 2, f"Missing argument 'ADDRESS'. {EXAMPLE} models pull hf://owner/repo"),
    # Options by other words, and in the singular or plural
    ("detect --image photo.jpg", 2, "A SOURCE is named without an option. Example: emorec detect"),
    ("detect --video clip.mp4", 2, "A SOURCE is named without an option. Example: emorec detect"),
    ("detect --camera", 2, f"A SOURCE is named without an option. {EXAMPLE} detect 0 --show"),
    ("detect photo.jpg --output o", 2, "Did you mean '--out'?"),
    ("detect photo.jpg -o o", 2, "Did you mean '--out'?"),
    ("detect photo.jpg --gpu", 2, "Did you mean '--device'?"),
    ("detect photo.jpg --models emorec-nano", 2, "Did you mean '--model'?"),
    ("detect photo.jpg --threshold 0.5", 2, "Did you mean '--min-confidence'?"),
    ("detect photo.jpg --save", 2, f"'--save' requires an argument. {EXAMPLE} detect photos/ "),
    ("detect photo.jpg --model", 2, "requires an argument. Write: --model FILE|RUN|NAME"),
    ("train --dataset FER-2013", 2, "Did you mean '--data'?"),
    ("train --data FER-2013 --model vgg16", 2, "Did you mean '--arch'?"),
    ("train --data FER-2013 --epoch 3", 2, "Did you mean '--epochs'?"),
    ("train --data FER-2013 --lr 0.1", 2, "Did you mean '--learning-rate'?"),
    ("train --data FER-2013 --gpu", 2, "the devices of the Keras backend; `emorec doctor --deep`"),
    ("evaluate --model emorec-nano --data FER-2013", 2, "A MODEL is named without an option."),
    # Values
    ("detect photo.jpg --detector mtcnn", 2, "'mtcnn' is not one of 'yunet', 'haar', 'none'."),
    ("detect photo.jpg --device gpu", 2, "Did you mean 'cuda'?"),
    ("train --data FER-2013 --epochs ten", 2, "'ten' is not a valid integer"),
    ("evaluate emorec-nano --data FER-2013 --split val", 2, "Did you mean 'validation'?"),
    ("export emorec-nano --format tflite --out t", 2, "Did you mean 'litert'?"),
    ("export emorec-nano", 2, "emorec's own models stay as they are; name a folder with --out"),
    # Sources
    ("detect webcam", 1, "webcam: no such file; a camera is named by its number, such as 0"),
    ("detect photo", 1, "photo: no such file; did you mean 'photos'?"),
    ("detect phto.jpg", 1, "phto.jpg: no such file; did you mean 'photo.jpg'?"),
    ("detect texts", 1, "texts: no images in this folder; left out: 1 .txt"),
    ("detect notes.txt", 1, "not an image; for the files that it lists, name it as @notes.txt"),
    ("detect http://127.0.0.1:1/a.jpg", 1, "cannot be read: [Errno 111] Connection refused; check"),
    # Data sets
    (
        "train --data nope",
        4,
        "no such folder; name a data set that emorec prepare-data has written",
    ),
    ("train --data photo.jpg", 4, "to detect the faces in it: emorec detect photo.jpg"),
    ("train --data photos", 4, "to detect the emotions on them: emorec detect photos"),
    ("train --data FERPlus", 4, "emorec prepare-data FERPlus --out FER-2013"),
    ("train --data 'my faces'", 4, "emorec prepare-data 'my faces' --out 'my faces-prepared'"),
    ("train --data runs", 4, "runs: a folder of training runs, not a data set"),
    ("evaluate emorec-nano --data FERPlus", 4, "emorec prepare-data FERPlus --out FER-2013"),
    # Recipes and configurations
    ("train --data FER-2013 --recipe quik", 3, "did you mean 'quick'?"),
    ("train --data FER-2013 --arch VGG-16", 3, "did you mean 'vgg16'? choose one of compact"),
    ("train --data FER-2013 --arch resnet", 3, "did you mean 'resnet50'? choose one of compact"),
    ("train --data FER-2013 --config quick", 3, "--recipe quick"),
    ("train --data FER-2013 --model-name emorec-mine", 3, "choose another name"),
    # Models
    ("detect photo.jpg --model vgg16", 5, "emorec train --arch vgg16 trains a model"),
    (
        "detect photo.jpg --model runs/",
        5,
        f"runs: the folder holds no model.onnx; name one of its run folders: {RUN}",
    ),
    ("detect photo.jpg --model emorec-tiny", 5, "similar names: emorec-"),
    ("evaluate runs --data tiny", 5, f"name one of its run folders: {RUN}"),
    ("evaluate photo.jpg --data tiny", 5, "received '.jpg'; emorec models list prints the models"),
    ("train --data tiny --weights vgg16.h5", 5, "vgg16.h5: no such model file"),
    ("train --data tiny --weights imagnet", 5, "did you mean 'imagenet'?"),
    ("train --data tiny --weights random", 5, "use --weights none (random), imagenet, emorec"),
    (f"train --data tiny --weights {RUN}", 5, "the .keras file of the same run is needed"),
    ("train --data tiny --teacher vgg16", 5, "emorec train --arch vgg16 trains a model"),
    ("export photo.jpg", 5, "must be a .keras file; received '.jpg'"),
    ("models show vgg16", 5, "emorec train --arch vgg16 trains a model"),
]
"""Command, exit code, and what its message says of the next step."""


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what a beginner may have in it."""
    folder = tmp_path_factory.mktemp("beginner")
    make_checkout(folder / "FERPlus")
    make_images(folder / "my faces", {"happy": 3, "sad": 3})
    classes = ("train/happy", "train/sad", "test/happy", "test/sad")
    make_images(folder / "tiny", dict.fromkeys(classes, 3))
    cv2.imwrite(str(folder / "photo.jpg"), np.full((60, 80), 128, np.uint8))
    for name in ("photos/a.jpg", "my photo.jpg"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "photo.jpg", folder / name)
    (folder / "clip.mp4").touch()
    for name in ("texts/a.txt", "notes.txt", f"{RUN}/config.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a text")
    shutil.copy(resources.shipped_model(), folder / RUN / "model.onnx")
    return folder


@pytest.mark.parametrize(("command", "code", "message"), COMMANDS)
def test_the_message_says_what_to_type(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, command: str, code: int, message: str
) -> None:
    monkeypatch.chdir(workplace)
    # Keras takes seconds to load; no wrong command needs it.
    monkeypatch.setattr("emorec.cli.keras_backend.load_keras", None)
    before = sorted(workplace.rglob("*"))
    result = CliRunner().invoke(main, shlex.split(command), prog_name="emorec")
    text = " ".join(result.stderr.split())
    assert (result.exit_code, message in text) == (code, True), result.stderr
    assert "error: unexpected" not in text
    assert sorted(workplace.rglob("*")) == before
