"""Reads AFEW as frames of its clips, and the aligned faces of SFEW, with their splits.

The layout is that of the EmotiW challenges (Dhall, Goecke, Lucey and Gedeon 2012, "Collecting
Large, Richly Annotated Facial-Expression Databases from Movies"): Train_AFEW/Angry/000046280.avi.
The frames of a clip are in a folder of its name. The labels of the test split are not published.
"""

import re

from emorec.datasets.readers.rows import TEST, RawRows, ReadOptions
from emorec.datasets.readers.shared import draw_missing_splits, folder_labels, rows_of_files
from emorec.datasets.readers.split_folders import split_of
from emorec.datasets.readers.tree import Tree, is_image
from emorec.errors import DataError
from emorec.file_kinds import is_hidden_path, is_video_name
from emorec.labels import is_emotion_name

SOURCE = "afew"

_TOP = re.compile(r"(?:train|val|test)_(?:afew|aligned_faces)\w*", re.IGNORECASE)
"""Names of split folders, such as Train_AFEW and Val_Aligned_Faces_new."""


def matches(tree: Tree) -> bool:
    """Return whether images or videos are in Train_AFEW/EMOTION/ or the like."""
    for path in tree.files:
        top, _, rest = path.partition("/")
        if (
            _TOP.fullmatch(top)
            and is_emotion_name(rest.split("/")[0])
            and (is_image(path) or is_video_name(path))
        ):
            return True
    return False


def read(tree: Tree, options: ReadOptions) -> RawRows:
    """Read SPLIT/EMOTION/CLIP/FRAME and SPLIT/EMOTION/IMAGE, with the clip as the group.

    Images of the test split that are in no folder of an emotion are kept without a label. A split
    without images is drawn from train, in whole clips.

    Raises:
        DataError: There is no such image, or a folder is named after no known emotion.
    """
    names, splits, folders, clips = [], [], [], []
    for path in sorted(tree.images()):
        top, *inner = path.split("/")
        split = split_of(top.split("_")[0])
        if split is None or not inner:
            continue
        has_class = len(inner) > 1 and (split != TEST or is_emotion_name(inner[0]))
        if not has_class and split != TEST:
            continue
        names.append(path)
        splits.append(split)
        folders.append(inner[0] if has_class else "")
        clips.append("/".join(inner[has_class:-1]))
    videos = {
        path.rpartition(".")[0]: path
        for path in sorted(tree.files)
        if is_video_name(path) and not is_hidden_path(path)
    }
    if not names:
        raise DataError(f"{tree.place}: {_no_frames(list(videos.values()))}")
    present = [folder for folder in folders if folder]
    labels = dict(zip(present, folder_labels(tree, present, options), strict=True))
    usages, drawn = draw_missing_splits(splits, [labels.get(f, "") for f in folders], options)
    framed = {name.rpartition("/")[0] for name in names}
    bare = [path for stem, path in videos.items() if stem not in framed]
    return rows_of_files(
        tree,
        SOURCE,
        names,
        usages=usages,
        labels=[labels.get(folder, "") for folder in folders],
        groups=clips if any(clips) else None,
        notes=[f"videos without a folder of frames: {len(bare):,} ({bare[0]})"] if bare else [],
        drawn=drawn,
        unused=[tree.files[path] for stem, path in videos.items() if stem in framed],
    )


def _no_frames(videos: list[str]) -> str:
    if not videos:
        return "no image Train_AFEW/EMOTION/CLIP/FRAME of AFEW was found"
    stem = videos[0].rpartition(".")[0]
    return (
        f"{len(videos):,} videos and no frames; put the frames of each video into a folder of its "
        f"name: mkdir {stem}; ffmpeg -i {videos[0]} -vf fps=5 {stem}/%04d.png"
    )
