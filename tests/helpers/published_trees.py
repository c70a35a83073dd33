"""Small synthetic trees in the layouts of published data sets."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from helpers.checkouts import noise_png

CODES = ("AN", "HA", "NE")
"""Codes of angry, happy and neutral in file names; the trees are small, as tests must be fast."""

AFFECTNET_HEADER = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,"
    "valence,arousal"
)


def write_images(root: Path, paths: Iterable[str]) -> None:
    """Write an image of noise to each path."""
    content = noise_png(0)
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def write_lines(file: Path, lines: Iterable[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def make_affectnet(root: Path, splits: tuple[str, str] = ("train_set", "val_set")) -> int:
    """AffectNet as folders: 22 images of train and 11 of validation, of each expression 0 to 10."""
    for split, count in zip(splits, (22, 11), strict=True):
        write_images(root, [f"{split}/images/{number}.jpg" for number in range(count)])
        notes = root / split / "annotations"
        notes.mkdir(parents=True)
        for number in range(count):
            np.save(notes / f"{number}_exp.npy", np.array(str(number % 11)))
        np.save(notes / "0_val.npy", np.array(0.25))
        np.save(notes / "0_lnd.npy", np.zeros(136))
    return 33


def affectnet_row(path: str, expression: int, box: str = "4,5,30,32", shift: float = 0) -> str:
    """A row of training.csv, with 68 landmarks on a diagonal."""
    points = ";".join(f"{point + shift};{2 * point + shift}" for point in range(68))
    return f"{path},{box},{points},{expression},0.1,-0.2"


def make_affectnet_csv(root: Path, images: str = "Manually_Annotated_Images") -> int:
    """AffectNet as lists: 22 rows of training and 11 of validation, of each expression 0 to 10."""
    for name, count in (("training", 22), ("validation", 11)):
        paths = [f"{name[0]}/{number}.jpg" for number in range(count)]
        write_images(root / images, paths)
        rows = [affectnet_row(path, number % 11) for number, path in enumerate(paths)]
        write_lines(root / f"{name}.csv", [AFFECTNET_HEADER, *rows])
    return 33


def make_expw(root: Path, images: str = "image") -> int:
    """ExpW: 30 photos with the numbers 0 to 2, the first three with two faces each."""
    write_images(root, [f"{images}/web_{number}.jpg" for number in range(30)])
    lines = [
        f"web_{number}.jpg {face} {4 + face} {6 + face} {40 + face} {36 + face} 12.5 {number % 3}"
        for number in range(30)
        for face in range(2 if number < 3 else 1)
    ]
    write_lines(root / "label.lst", lines)
    return 33


def make_afew(root: Path) -> int:
    """AFEW as frames: of two emotions ten clips of train and one of validation, two frames each."""
    clips = [("Train_AFEW", clip) for clip in range(10)] + [("Val_AFEW", 10)]
    write_images(
        root,
        [
            f"{split}/{emotion}/{emotion[0]}{clip:04}/{frame:04}.png"
            for split, clip in clips
            for emotion in ("Angry", "Happy")
            for frame in range(2)
        ],
    )
    return 44


def make_ckplus_sequences(root: Path, people: int = 3) -> int:
    """CK+: people with four sequences of five frames: of anger, contempt, joy and no emotion."""
    for person in range(people):
        for number in (0, 1, 2, 5):
            name = f"S{person:03}/{number:03}/S{person:03}_{number:03}"
            write_images(root, [f"cohn-kanade-images/{name}_{f:08}.png" for f in range(1, 6)])
            if number:
                file = root / "Emotion" / f"{name}_00000005_emotion.txt"
                write_lines(file, [f"   {number}.0000000e+00"])
    return people * 4 * 3


def make_jaffe(root: Path, people: tuple[str, ...] = ("KA", "KL", "KM", "KR")) -> int:
    """JAFFE: two images of each expression of each person."""
    names = [f"{person}.{code}{n}" for person in people for code in CODES for n in (1, 2)]
    write_images(root, [f"{name}.{number}.tiff" for number, name in enumerate(names)])
    return len(names)


def make_kdef(root: Path, people: int = 3) -> int:
    """KDEF: both sessions, of each expression all five angles, of which three are taken."""
    write_images(
        root,
        [
            f"{session}F{person:02}/{session}F{person:02}{code}{angle}.JPG"
            for session in "AB"
            for person in range(1, people + 1)
            for code in CODES
            for angle in ("FL", "FR", "HL", "HR", "S")
        ],
    )
    return 2 * people * len(CODES) * 3


def make_rafdb(root: Path, images: str = "aligned") -> int:
    """RAF-DB: 30 images of train and six of test, of the numbers 1 to 3."""
    end = "_aligned" if images == "aligned" else ""
    names = [f"{s}_{n:05}" for s, count in (("train", 30), ("test", 6)) for n in range(count)]
    write_images(root, [f"Image/{images}/{name}{end}.jpg" for name in names])
    lines = [f"{name}.jpg {number % 3 + 1}" for number, name in enumerate(names)]
    write_lines(root / "EmoLabel/list_patition_label.txt", lines)
    return 36
