"""Writes .eaf files of ELAN: one tier a person, one annotation for each stretch of an emotion.

The format is documented at https://www.mpi.nl/tools/elan/EAF_Annotation_Format_3.0_and_ELAN.pdf.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

from emorec.outputs.session.session_file import SessionVideo
from emorec.outputs.session.stretches import Stretch

_VERSION = "3.0"
_SCHEMA = f"http://www.mpi.nl/tools/elan/EAFv{_VERSION}.xsd"
_TYPE = "expression"
_UNKNOWN = "unknown"
"""MIME type of a video of an unknown kind, as ELAN writes it."""


def write_elan(
    target: Path, video: SessionVideo, stretches: Iterable[Stretch], folder: Path
) -> None:
    """Write an .eaf file.

    A stretch shorter than half a millisecond, the unit of the format, is left out.

    Args:
        target: File to write.
        video: The video that it annotates.
        stretches: Those of the video, each person's in order of time.
        folder: Folder that the file will be in, for the relative address of the video.

    Raises:
        OSError: The file cannot be written.
    """
    from pympi.Elan import Eaf, to_adocument  # slow to import

    eaf = Eaf(author="emorec")
    eaf.remove_tier("default")
    eaf.remove_linguistic_type("default-lt")
    eaf.add_linguistic_type(_TYPE)
    schema = {"FORMAT": _VERSION, "VERSION": _VERSION, "xsi:noNamespaceSchemaLocation": _SCHEMA}
    eaf.adocument.update(schema)
    eaf.header.update({"MEDIA_FILE": "", "TIME_UNITS": "milliseconds"})
    if video.path is not None:
        path = Path(video.path)
        relative = relative_address(video.path, folder)
        # A file beside the session moves with it, so there is no absolute address to state.
        address = path.as_uri() if path.is_absolute() else relative or path.as_posix()
        eaf.add_linked_file(address, relative, _mime_type(video.path))
    for stretch in stretches:
        if stretch.person not in eaf.tiers:
            eaf.add_tier(stretch.person, _TYPE, part=stretch.person, ann="emorec")
        begin, end = round(1000 * stretch.begin_s), round(1000 * stretch.end_s)
        if begin < end:
            eaf.add_annotation(stretch.person, begin, end, stretch.emotion)
    tree = ElementTree.ElementTree(to_adocument(eaf))
    tree.write(target, encoding="UTF-8", xml_declaration=True)


def relative_address(path: str, folder: Path) -> str | None:
    """Return the address of a video relative to a folder; None if it is on another drive.

    Args:
        path: Absolute path of the video, or one relative to the folder.
        folder: The folder.
    """
    from urllib.parse import quote

    try:
        here = folder.resolve()
        relative = Path(os.path.relpath(here / path, here)).as_posix()
    except ValueError:
        return None
    address = quote(relative)
    return address if relative.startswith("../") else f"./{address}"


def _mime_type(path: str) -> str:
    import mimetypes

    return mimetypes.guess_type(path)[0] or _UNKNOWN
