"""Says which tracked face is which person: as the user assigns them, never by recognition."""

import re
from collections.abc import Iterable, Mapping, Sequence

from emorec.errors import ConfigError
from emorec.labels import is_printable
from emorec.outputs.session.session_file import ALL_VIDEOS

Names = Mapping[tuple[str, int], str]
"""Name of the person by the name of the video and the number of the tracked face."""

_ASSIGNMENT = re.compile(r"(?:(?P<video>.+?):)?(?P<id>\d{1,9})=(?P<name>.*)", re.DOTALL)
_MAX_NAME = 100


def default_person(video: str, id_: int) -> str:
    """Return the name of a tracked face to which none is assigned."""
    return f"{video}-{id_}"


def parse_persons(
    texts: Iterable[str], videos: Sequence[str], sources: Sequence[str] = ()
) -> dict[tuple[str, int], str]:
    """Parse assignments such as "a.mp4:1=Anna".

    Args:
        texts: The assignments, VIDEO:ID=NAME. VIDEO is the name of a video, its source, or its
            number from 1; it may be left out if there is one video. An empty NAME removes an
            earlier one.
        videos: Names of the videos of the session.
        sources: Their sources, as the user named them.

    Returns:
        The names; "" for one to remove.

    Raises:
        ConfigError: A text is not an assignment, names no video, or repeats another one.
    """
    found: dict[tuple[str, int], str] = {}
    for text in texts:
        match = _ASSIGNMENT.fullmatch(text)
        if match is None:
            raise ConfigError(
                f"--person {text!r:.120} is not VIDEO:ID=NAME, such as {videos[0]}:1=Anna"
            )
        key = (_video(text, match["video"], videos, sources), int(match["id"]))
        name = match["name"].strip()
        if not is_printable(name) or len(name) > _MAX_NAME or name == ALL_VIDEOS:
            raise ConfigError(
                f"--person {text!r:.120}: a name has at most {_MAX_NAME} printable characters, and "
                f"is not {ALL_VIDEOS}"
            )
        if key in found:
            raise ConfigError(f"--person names face {key[1]} of {key[0]} twice; keep one of them")
        found[key] = name
    return found


def _video(text: str, named: str | None, videos: Sequence[str], sources: Sequence[str]) -> str:
    if named is None:
        if len(videos) == 1:
            return videos[0]
        raise ConfigError(
            f"--person {text!r:.120} names no video, and there are {len(videos)}; "
            "write VIDEO:ID=NAME"
        )
    if named in videos:
        return named
    if list(sources).count(named) == 1:
        return videos[list(sources).index(named)]
    if named.isdecimal() and 1 <= int(named) <= len(videos):
        return videos[int(named) - 1]
    raise ConfigError(
        f"--person {text!r:.120}: no video {named!r:.80}; videos: {', '.join(videos):.300}"
    )


def check_persons(names: Names, ids: Mapping[str, Iterable[int]]) -> None:
    """Check that assigned names belong to tracked faces and to nobody else by default.

    Args:
        names: The assigned names.
        ids: Numbers of the tracked faces by the name of the video.

    Raises:
        ConfigError: One does not.
    """
    defaults = {default_person(video, id_): (video, id_) for video in ids for id_ in ids[video]}
    for key, name in names.items():
        video, id_ = key
        known = sorted(ids.get(video, ()))
        if id_ not in known:
            shown = ", ".join(map(str, known[:20])) + (", ..." if len(known) > 20 else "")
            raise ConfigError(
                f"the name {name!r} has no face: {video} has no face {id_}; "
                + (f"its faces: {shown}" if known else "no face was found in it")
            )
        if defaults.get(name, key) != key:
            raise ConfigError(
                f"the name {name!r} stands for face {defaults[name][1]} of {defaults[name][0]}; "
                "choose another one"
            )
