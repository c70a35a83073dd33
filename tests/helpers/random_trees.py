"""Builds random data set folders, with a list of what they hold."""

import random
from dataclasses import dataclass, field
from pathlib import Path

IMAGE_SUFFIXES = (
    *(".png", ".PNG", ".jpg", ".JPEG", ".jpe", ".jfif", ".JFIF", ".gif", ".Avif", ".mpo", ".bmp"),
    *(".dib", ".webp", ".tif", ".TIFF", ".pgm", ".apng"),
)
OTHER_SUFFIXES = (".txt", ".heic", ".HEIF", ".mp4", ".json", ".jpg.bak", "", ".xmp", ".psd")
HIDDEN = (".DS_Store", "._a.png", "Thumbs.db", ".hidden.jpg", "desktop.ini", "ehthumbs.db")
HIDDEN_FOLDERS = ("__MACOSX", ".ipynb_checkpoints", ".cache")
EMOTIONS = {
    "happy": ("happy", "Happy", "JOY", "happiness"),
    "sad": ("sad", "SAD", "sadness"),
    "angry": ("angry", "Anger"),
    "fear": ("fear", "FEAR", "afraid"),
}
SPLITS = {
    "train": ("train", "Train", "training", "TRAINING"),
    "validation": ("val", "Valid", "validation", "dev", "EVAL"),
    "test": ("test", "Test", "testing"),
}
FEWEST = 6
"""Images of a class that a random split by the default shares needs."""


@dataclass
class RandomTree:
    """What a random tree holds; every path is relative, with forward slashes.

    Attributes:
        images: Split ("" where there are no splits) and emotion of each image.
        others: Visible files that are no images of the data set.
        loose: Those of `others` that are images by name.
        outside: Links to an image outside, with its split and emotion.
        linked: Images behind a link to a folder outside, with their split and emotion.
        broken: Links that lead nowhere.
    """

    images: dict[str, tuple[str, str]] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)
    loose: set[str] = field(default_factory=set)
    outside: dict[str, tuple[str, str]] = field(default_factory=dict)
    linked: dict[str, tuple[str, str]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)


def make_random_tree(root: Path, seed: int, content: bytes) -> RandomTree:
    """Write a tree of split folders or class folders, with all that real folders hold.

    Args:
        root: Folder to create; beside it `outside-SEED` is created for links.
        seed: Seed of the tree.
        content: Content of every image.
    """
    generator = random.Random(seed)
    tree = RandomTree()
    outside = root.with_name(f"outside-{seed}")
    outside.mkdir(parents=True)
    (outside / "far.png").write_bytes(content)
    root.mkdir()
    emotions = generator.sample(list(EMOTIONS), generator.randint(2, 3))
    wanted = ["train", *(name for name in ("validation", "test") if generator.random() < 0.7)]
    splits = wanted if generator.random() < 0.75 else [""]
    number = 0

    def add(folder: str, name: str, data: bytes = b"") -> str:
        path = f"{folder}/{name}".lstrip("/")
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
        return path

    for split in splits:
        top = generator.choice(SPLITS[split]) if split else ""
        for emotion in emotions:
            folder = f"{top}/{generator.choice(EMOTIONS[emotion])}".lstrip("/")
            place = (split, emotion)
            for _ in range(FEWEST + generator.randint(0, 3)):
                number += 1
                below = generator.choice(("", "", "/batch2", "/a/b", "/2019 mai", "/happy"))
                suffix = generator.choice(IMAGE_SUFFIXES)
                tree.images[add(folder + below, f"{number}{suffix}", content)] = place
            if generator.random() < 0.3:
                link = f"{folder}/link-{number}.png"
                (root / link).symlink_to(outside / "far.png")
                tree.outside[link] = place
            if generator.random() < 0.2:
                (root / folder / f"folder-{number}").symlink_to(outside)
                tree.linked[f"{folder}/folder-{number}/far.png"] = place
            if generator.random() < 0.2:
                tree.broken.add(f"{folder}/gone-{number}.png")
                (root / folder / f"gone-{number}.png").symlink_to("nowhere")
            if generator.random() < 0.2:
                (root / folder / f"up-{number}").symlink_to("..")
            if generator.random() < 0.3:
                (root / folder / "empty").mkdir(exist_ok=True)
            for name in generator.sample(HIDDEN, 2):
                add(folder, name, content)
            add(f"{folder}/{generator.choice(HIDDEN_FOLDERS)}", "copy.png", content)
            for _ in range(generator.randint(0, 2)):
                number += 1
                tree.others.add(add(folder, f"{number}{generator.choice(OTHER_SUFFIXES)}"))
        if top and generator.random() < 0.3:
            tree.loose.add(add(top, "loose.png", content))
    if generator.random() < 0.3:
        tree.loose.add(add("", "cover.JPG", content))
    if generator.random() < 0.5:
        tree.others.add(add("", "README"))
    tree.others |= tree.loose
    return tree
