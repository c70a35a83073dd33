"""The .eaf files against the schema EAFv3.0, and as pympi reads them."""

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from urllib.parse import unquote, urlparse
from xml.etree import ElementTree

import pytest
from pympi.Elan import Eaf

from emorec.outputs.session.elan_file import relative_address, write_elan
from emorec.outputs.session.session_file import SessionVideo
from emorec.outputs.session.stretches import Stretch

SEQUENCE = (
    *("LICENSE", "HEADER", "TIME_ORDER", "TIER", "LINGUISTIC_TYPE", "LOCALE", "LANGUAGE"),
    *("CONSTRAINT", "CONTROLLED_VOCABULARY", "LEXICON_REF", "REF_LINK_SET", "EXTERNAL_REF"),
)
"""Order of the elements of ANNOTATION_DOCUMENT."""

REQUIRED = {
    "ANNOTATION_DOCUMENT": {"DATE", "AUTHOR", "VERSION"},
    "MEDIA_DESCRIPTOR": {"MEDIA_URL", "MIME_TYPE"},
    "TIME_SLOT": {"TIME_SLOT_ID"},
    "TIER": {"TIER_ID", "LINGUISTIC_TYPE_REF"},
    "ALIGNABLE_ANNOTATION": {"ANNOTATION_ID", "TIME_SLOT_REF1", "TIME_SLOT_REF2"},
    "LINGUISTIC_TYPE": {"LINGUISTIC_TYPE_ID"},
    "CONSTRAINT": {"STEREOTYPE"},
    "PROPERTY": set(),
    "ANNOTATION": set(),
    "ANNOTATION_VALUE": set(),
    "HEADER": set(),
    "TIME_ORDER": set(),
}
"""Required attributes of each element; an element that is not here is an error."""

OPTIONAL = {
    "ANNOTATION_DOCUMENT": {"FORMAT"},
    "HEADER": {"MEDIA_FILE", "TIME_UNITS"},
    "MEDIA_DESCRIPTOR": {"RELATIVE_MEDIA_URL", "TIME_ORIGIN", "EXTRACTED_FROM"},
    "TIME_SLOT": {"TIME_VALUE"},
    "TIER": {"PARTICIPANT", "ANNOTATOR", "DEFAULT_LOCALE", "PARENT_REF", "EXT_REF", "LANG_REF"},
    "LINGUISTIC_TYPE": {"TIME_ALIGNABLE", "CONSTRAINTS", "GRAPHIC_REFERENCES"},
    "CONSTRAINT": {"DESCRIPTION"},
    "PROPERTY": {"NAME"},
}

XML_ID = re.compile(r"[A-Za-z_][\w.-]*")


def check_eaf(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    """Check a file against the schema; return the annotations by tier, in milliseconds."""
    document = ElementTree.parse(path).getroot()
    assert document.tag == "ANNOTATION_DOCUMENT"
    for element in document.iter():
        names = {name for name in element.attrib if not name.startswith("{")}
        assert REQUIRED[element.tag] <= names, element.tag
        assert names <= REQUIRED[element.tag] | OPTIONAL.get(element.tag, set()), element.tag
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d([+-]\d\d:\d\d|Z)?", document.attrib["DATE"]
    )
    assert document.attrib["FORMAT"] == document.attrib["VERSION"] == "3.0"
    order = [SEQUENCE.index(child.tag) for child in document]
    assert order == sorted(order)
    counts = Counter(child.tag for child in document)
    assert (counts["HEADER"], counts["TIME_ORDER"]) == (1, 1)
    header = document.find("HEADER")
    assert header is not None
    assert header.attrib["TIME_UNITS"] == "milliseconds"
    slots = {}
    for slot in document.iterfind("TIME_ORDER/TIME_SLOT"):
        assert XML_ID.fullmatch(slot.attrib["TIME_SLOT_ID"])
        assert slot.attrib["TIME_SLOT_ID"] not in slots
        slots[slot.attrib["TIME_SLOT_ID"]] = int(slot.attrib["TIME_VALUE"])
    assert all(0 <= value < 2**32 for value in slots.values())
    types = [each.attrib["LINGUISTIC_TYPE_ID"] for each in document.iterfind("LINGUISTIC_TYPE")]
    assert len(types) == len(set(types))
    found: dict[str, list[tuple[int, int, str]]] = {}
    ids = set(slots)
    for tier in document.iterfind("TIER"):
        name = tier.attrib["TIER_ID"]
        assert name not in found
        assert tier.attrib["LINGUISTIC_TYPE_REF"] in types
        rows = found[name] = []
        for annotation in tier.iterfind("ANNOTATION/ALIGNABLE_ANNOTATION"):
            id_ = annotation.attrib["ANNOTATION_ID"]
            assert XML_ID.fullmatch(id_)
            assert id_ not in ids, "all ids of the file differ"
            ids.add(id_)
            begin = slots[annotation.attrib["TIME_SLOT_REF1"]]
            end = slots[annotation.attrib["TIME_SLOT_REF2"]]
            assert begin < end
            value = annotation.find("ANNOTATION_VALUE")
            assert value is not None
            rows.append((begin, end, value.text or ""))
        assert len(rows) == len(tier.findall("ANNOTATION")) > 0
        for earlier, later in pairwise(sorted(rows)):
            assert earlier[1] <= later[0], "annotations of a tier do not overlap"
    return found


def test_tiers_and_annotations(one_video: Path):
    assert check_eaf(one_video / "session.eaf") == {
        "Anna": [(0, 200, "happy"), (200, 300, "sad"), (500, 600, "happy")],
        "a.avi-2": [(100, 400, "sad")],
    }


def test_pympi_opens_it(one_video: Path):
    eaf = Eaf(one_video / "session.eaf", suppress_version_warning=True)
    assert list(eaf.get_tier_names()) == ["Anna", "a.avi-2"]
    annotations = eaf.get_annotation_data_for_tier("Anna")
    assert [row[:3] for row in annotations] == [
        (0, 200, "happy"),
        (200, 300, "sad"),
        (500, 600, "happy"),
    ]
    assert eaf.get_parameters_for_tier("Anna")["PARTICIPANT"] == "Anna"


def test_the_video_is_found_by_both_addresses(one_video: Path):
    root = ElementTree.parse(one_video / "session.eaf").getroot()
    (media,) = root.iterfind("HEADER/MEDIA_DESCRIPTOR")
    address = urlparse(media.attrib["MEDIA_URL"])
    assert address.scheme == "file"
    assert Path(unquote(address.path)).read_bytes() == b"video"
    relative = one_video / unquote(media.attrib["RELATIVE_MEDIA_URL"])
    assert relative.read_bytes() == b"video"
    assert media.attrib["MIME_TYPE"] == "video/x-msvideo"


def test_a_file_for_each_video_and_none_for_a_camera(two_videos: Path):
    assert set(check_eaf(two_videos / "a.avi.eaf")) == {"Anna", "a.avi-2"}
    assert set(check_eaf(two_videos / "camera-0.eaf")) == {f"camera-0-{n}" for n in (1, 2, 3)}
    root = ElementTree.parse(two_videos / "camera-0.eaf").getroot()
    assert root.findall("HEADER/MEDIA_DESCRIPTOR") == []


@pytest.mark.parametrize(
    ("stretches", "expected"),
    [
        ([], {}),
        ([(0.0, 0.0004)], {}),
        (
            [(0.0, 1.0004), (1.0004, 1.0008), (1.0008, 2.0)],
            [(0, 1000, "happy"), (1000, 1001, "happy"), (1001, 2000, "happy")],
        ),
    ],
)
def test_short_stretches(tmp_path: Path, stretches: list, expected: list | dict):
    path = tmp_path / "x.eaf"
    found = [Stretch("a", '<"&>', "happy", begin, end, 0, 1) for begin, end in stretches]
    write_elan(path, SessionVideo("a", "a"), found, tmp_path)
    tiers = {}
    root = ElementTree.parse(path).getroot()
    if root.findall("TIER/ANNOTATION"):
        tiers = check_eaf(path)
    assert tiers == ({'<"&>': expected} if expected else {})


@pytest.mark.parametrize(
    ("path", "expected"),
    [("x/out/a.mp4", "./a.mp4"), ("x/b c/a%.mp4", "../b%20c/a%25.mp4"), ("a.mp4", "../../a.mp4")],
)
def test_relative_addresses(tmp_path: Path, path: str, expected: str):
    assert relative_address(str(tmp_path / path), tmp_path / "x" / "out") == expected


def test_a_file_beside_the_session(tmp_path: Path):
    assert relative_address("a b.mp4", tmp_path) == "./a%20b.mp4"
    write_elan(tmp_path / "x.eaf", SessionVideo("a", "a", "a b.mp4"), [], tmp_path)
    root = ElementTree.parse(tmp_path / "x.eaf").getroot()
    (media,) = root.iterfind("HEADER/MEDIA_DESCRIPTOR")
    assert media.attrib["MEDIA_URL"] == "./a%20b.mp4"
