"""Makes tests/data_0_1_0: what version 0.1.0 of emorec left on a user's disk.

It ran once, with the code of version 0.1.0 (commit 03a414f), in an empty folder:

    git worktree add /tmp/emorec-0.1.0 03a414f
    mkdir /tmp/emorec-made
    cd /tmp/emorec-made
    PYTHONPATH=/tmp/emorec-0.1.0 python REPOSITORY/tests/helpers/make_0_1_0_data.py .
    mv *.tar.xz expected.json REPOSITORY/tests/data_0_1_0

test_compatibility.py checks that the current code reads these files and reaches the same figures:

- data.tar.xz: checkout/, a FERPlus checkout of drawn images, and prepared/, the data set made from
  it;
- finished.tar.xz: runs/finished, a run of `compact` trained to its end, without its plots and its
  page; partner.yaml, a configuration with the keys `partner` and `calm_epochs`; faces/, images, and
  detect.jsonl and detect.csv, the output of a `detect` that was killed;
- interrupted.tar.xz: runs/interrupted, the same run, killed in its third epoch;
- expected.json: the figures that 0.1.0 reached.

Trained weights do not compress, and those of `compact` have 4 MB. So the channels of every layer
start as two groups of equal channels. Training keeps them equal, because nothing (no dropout)
makes them differ, and models and checkpoints of 24 MB become archives of some kilobytes.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["EMOREC_CACHE"] = str(Path("cache").resolve())

import cv2
import numpy as np

SEED = 1
GROUPS = 2
EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
"""In the order of the columns of fer2013new.csv."""

SPLITS = {
    "Training": ("FER2013Train", 12),
    "PublicTest": ("FER2013Valid", 4),
    "PrivateTest": ("FER2013Test", 4),
}
"""Folder of each usage, and its number of images of each emotion."""

TIME = 1_700_000_000
"""Modification time of the images, in seconds: `prepare-data` compares it."""

ARCHIVES = {
    "data": ("checkout", "prepared"),
    "finished": ("runs/finished", "partner.yaml", "faces", "detect.jsonl", "detect.csv"),
    "interrupted": ("runs/interrupted",),
}

SETTINGS = {
    "arch": "compact",
    "image_size": 24,
    "flip_average": True,
    "epochs": 4,
    "patience": 4,
    "batch_size": 12,
    "learning_rate": 0.02,
    "schedule": "cosine",
    "weight_decay": 0.0005,
    "clip_norm": 1.0,
    "ema": 0.9,
    "mixup": 0.2,
    "calm_epochs": 1,
    "labels": "soft",
    "default_prior": 0.25,
    "augmentation": {"rotation": 5, "zoom": 0, "shear": 0, "brightness": 0.1, "erasing": 0.25},
}


def draw_face(emotion: int, generator: np.random.Generator) -> np.ndarray:
    """Draw stripes whose direction and width show the emotion; uint8, shape (48, 48)."""
    y, x = np.mgrid[:48, :48]
    angle = np.pi * emotion / len(EMOTIONS)
    shift = generator.integers(0, 12)
    phase = (x * np.cos(angle) + y * np.sin(angle) + shift) / (2 + emotion % 3)
    # A few levels of grey compress well.
    return (np.round(1.5 + 1.5 * np.sin(phase)) * 60 + generator.integers(0, 60)).astype(np.uint8)


def make_checkout(root: Path) -> None:
    """Write a FERPlus checkout with ten votes for each image, some without a clear emotion."""
    generator = np.random.default_rng(SEED)
    lines = [",".join(["Usage", "Image name", *EMOTIONS, "unknown", "NF"])]
    number = 0
    for usage, (folder, count) in SPLITS.items():
        (root / "output" / folder).mkdir(parents=True)
        for emotion in list(range(len(EMOTIONS))) * count:
            name = f"fer{number:07}.png"
            path = root / "output" / folder / name
            cv2.imwrite(str(path), draw_face(emotion, generator))
            os.utime(path, (TIME, TIME))
            votes = [0] * 10
            votes[emotion] += 8
            votes[0] += 1
            votes[(emotion + number) % 10] += 1
            if number % 29 == 28:
                votes = [1, 1, 1, 1, 1, 1, 1, 1, 2, 0]
            lines.append(",".join([usage, name, *map(str, votes)]))
            number += 1
    (root / "fer2013new.csv").write_text("\n".join(lines) + "\n")


def emorec(*words: object, expect: int = 0) -> str:
    """Run a command of version 0.1.0; return its standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "emorec", *map(str, words)], stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == expect, words
    return done.stdout


def with_equal_channels(model: Any) -> Any:
    """Set the kernels of a model so that the channels of each layer form four equal groups."""
    generator = np.random.default_rng(SEED)
    for variable in model.trainable_variables:
        if variable.name != "kernel":
            continue
        shape = tuple(variable.shape)
        inputs, outputs = shape[-2:]
        small = (*shape[:-2], min(inputs, GROUPS), outputs if len(shape) == 2 else GROUPS)
        scale = np.sqrt(2 / np.prod(shape[:-1]))
        # Equal features add up: without a smaller scale the logits would be large.
        values = generator.normal(0, scale / 8 if len(shape) == 2 else scale, small)
        values = values[..., np.arange(inputs) % small[-2], :]
        variable.assign(values[..., np.arange(outputs) % small[-1]])
    return model


class KilledError(BaseException):
    """Ends a run at once, as a kill does."""


def train_both() -> None:
    """Train the interrupted run, and from a copy of it the finished one."""
    from emorec.training.loop import resume, train

    from emorec.training import setup
    from emorec.training.config import validated

    build = setup.build_classifier
    setup.build_classifier = lambda *args, **named: with_equal_channels(build(*args, **named))

    def kill(progress: Any) -> None:
        if (progress.epoch, progress.batch) == (3, 2):
            raise KilledError

    try:
        train(validated(SETTINGS, "make_0_1_0_data"), Path("prepared"), Path("runs"), kill)
    except KilledError:
        (run,) = Path("runs").iterdir()
    interrupted = run.rename("runs/interrupted")
    finished = Path(shutil.copytree(interrupted, "runs/finished"))
    resume(finished)
    for path in (*finished.glob("*.png"), finished / "report.html", finished / "train.log"):
        path.unlink()


def detect() -> tuple[str, str]:
    """Run `detect`, and cut its files as a kill does; return the whole files."""
    faces = sorted(Path("prepared/test").rglob("*.png"))[::4]
    Path("faces").mkdir()
    for number, path in enumerate(faces):
        shutil.copy(path, f"faces/{number}.png")
    Path("faces/4-damaged.png").write_bytes(b"no image")
    model = "runs/finished/model.onnx"
    words = ("--detector", "none", "--no-save", "--jsonl", "detect.jsonl", "--csv", "detect.csv")
    emorec("detect", "faces", "--model", model, *words, expect=1)
    whole = []
    for name, share in (("detect.jsonl", 0.8), ("detect.csv", 0.75)):
        path = Path(name)
        whole.append(path.read_text())
        path.write_text(whole[-1][: int(share * len(whole[-1]))])
    return whole[0], whole[1]


def evaluate(split: str) -> dict[str, Any]:
    """Evaluate the finished run with version 0.1.0."""
    emorec(
        *("evaluate", "runs/finished", "--data", "prepared", "--split", split),
        *("--json", "evaluation.json"),
    )
    figures: dict[str, Any] = json.loads(Path("evaluation.json").read_text())
    return figures


def without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Remove the user of this machine from a member of an archive."""
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def main(dest: Path) -> None:
    """Make the archives and expected.json."""
    sys.argv = ["emorec", "train"]  # noted in environment.json
    make_checkout(Path("checkout"))
    emorec("prepare-data", "checkout", "--out", "prepared", "--no-report")
    train_both()
    jsonl, csv_text = detect()
    from emorec import __version__
    from emorec.training.config import validated

    partner = {**SETTINGS, "partner": "runs/finished/model.keras"}
    Path("partner.yaml").write_text(validated(partner, "make_0_1_0_data").to_yaml())
    expected = {
        "version": __version__,
        "history": Path("runs/finished/history.csv").read_text(),
        "evaluation": {split: evaluate(split) for split in ("validation", "test")},
        "jsonl": jsonl,
        "csv": csv_text,
    }
    dest.mkdir(parents=True, exist_ok=True)
    (dest / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    for archive, names in ARCHIVES.items():
        with tarfile.open(dest / f"{archive}.tar.xz", "w:xz", preset=9) as file:
            for name in names:
                file.add(name, filter=without_owner)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
