import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.detection.cascade_file import rewritten
from emorec.detection.haar import HaarDetector
from emorec.errors import ModelError

PHOTO = next((Path(__file__).resolve().parents[2] / "examples").glob("*.jpg"))

PARTS = {
    "stage": "BOOST",
    "feature": "HAAR",
    "width": "20",
    "nodes": "0 -1 0 0.5",
    "leaves": "0.1 0.9",
    "rectangle": "2 7 16 4 -1.",
    "tilted": "0",
    "categories": "0",
}


def cascade(**changes: str) -> str:
    parts = {**PARTS, **changes}
    return f"""<?xml version="1.0"?>
<opencv_storage><cascade type_id="opencv-cascade-classifier">
<stageType>{parts["stage"]}</stageType><featureType>{parts["feature"]}</featureType>
<height>20</height><width>{parts["width"]}</width>
<stageParams><boostType>GAB</boostType><minHitRate>0.99</minHitRate><maxFalseAlarm>0.5</maxFalseAlarm>
<weightTrimRate>0.95</weightTrimRate><maxDepth>1</maxDepth><maxWeakCount>1</maxWeakCount></stageParams>
<featureParams><maxCatCount>{parts["categories"]}</maxCatCount><featSize>1</featSize><mode>BASIC</mode></featureParams>
<stageNum>1</stageNum><stages><_><maxWeakCount>1</maxWeakCount><stageThreshold>0.5</stageThreshold>
<weakClassifiers><_><internalNodes>{parts["nodes"]}</internalNodes>
<leafValues>{parts["leaves"]}</leafValues></_></weakClassifiers></_></stages>
<features><_><rects><_>{parts["rectangle"]}</_></rects><tilted>{parts["tilted"]}</tilted></_></features>
</cascade></opencv_storage>"""


PUBLISHED = sorted(Path(cv2.data.haarcascades).glob("haarcascade_*.xml"))


@pytest.mark.parametrize(
    "path", [path for path in PUBLISHED if "plate_rus_16" not in path.name], ids=lambda p: p.name
)
def test_published_cascades_find_the_same_when_rewritten(tmp_path, path):
    text = rewritten(path.read_text(), path.name)
    assert rewritten(text, path.name) == text
    image_gray = cv2.cvtColor(cv2.imread(str(PHOTO)), cv2.COLOR_BGR2GRAY)
    copy = tmp_path / "copy.xml"
    copy.write_text(text)
    found = [
        cv2.CascadeClassifier(str(file)).detectMultiScale3(
            image_gray, minNeighbors=1, outputRejectLevels=True
        )
        for file in (path, copy)
    ]
    order = [sorted(map(tuple, np.column_stack([f[0], f[2]]) if len(f[0]) else [])) for f in found]
    assert order[0] == order[1]
    assert len(order[0]) or "frontalface" not in path.name


def test_the_smallest_cascade_passes_and_opencv_loads_it(tmp_path):
    path = tmp_path / "small.xml"
    path.write_text(cascade())
    HaarDetector(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not an XML file"),
        ("hello", "not an XML file"),
        ("%YAML:1.0\na: 1\n", "not an XML file"),
        (cascade()[:600], "not an XML file"),
        ("<a>" * 100_000, "not an XML file"),
        ("<a>" * 10_000 + "</a>" * 10_000, "unknown child <a>"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "DOCTYPE"),
        ("<opencv_storage></opencv_storage>", "needs one <cascade> and has 0"),
        (cascade(stage="OTHER"), "BOOST"),
        (cascade(feature="LBP"), "LBP"),
        (cascade(width="0"), "window"),
        (cascade(width=""), "<width> needs 1 numbers and has 0"),
        (cascade(width="wide"), "could not convert"),
        (cascade(width="nan"), "the number nan"),
        (cascade(width="20.5"), "must be integers"),
        (cascade().replace("0.5</stageThr", "inf</stageThr"), "the number inf"),
        (cascade(leaves="1e39 0"), "the number 1e"),
        (cascade(nodes="0 -1 0.5 0.5"), "must be integers"),
        (cascade(tilted="2"), "<tilted> is 2"),
        (
            cascade().replace("<_><rects>", "<x><rects>").replace("</tilted></_>", "</tilted></x>"),
            "<features> has the unknown child <x>",
        ),
        (
            cascade()
            .replace("<stages><_>", "<stages><s>")
            .replace("</_></stages>", "</s></stages>"),
            "<stages> has the unknown child <s>",
        ),
        (
            cascade()
            .replace("<_><internal", "<t><internal")
            .replace("</leafValues></_>", "</leafValues></t>"),
            "<weakClassifiers> has the unknown child <t>",
        ),
        (
            cascade().replace("<rects><_>2 7 16 4 -1.</_>", "<rects>" + "<_>2 7 16 4 -1.</_>" * 4),
            "<rects> has 4 items; 1 to 3",
        ),
        (
            cascade().replace("<stages>", "<extra/><stages>"),
            "<cascade> has the unknown child <extra>",
        ),
        (cascade().replace("<stageNum>1", "<stageNum>1</stageNum><stageNum>1"), "two children"),
        (
            cascade().replace(
                "<maxWeakCount>1</maxWeakCount><stageT", "<maxWeakCount>9</maxWeakCount><stageT"
            ),
            "<maxWeakCount> is another number",
        ),
        (cascade(nodes="0 -1 0 0.5 " * 101, leaves="1 " * 102), "101 nodes"),
        (cascade(width="2000000000"), "window"),
        (cascade(categories="256"), "categorical"),
        (cascade(rectangle="2 7 16"), "needs 5 numbers"),
        (cascade(rectangle="2 7 160 4 -1"), "extends beyond the window"),
        (cascade(rectangle="-2 7 16 4 -1"), "extends beyond the window"),
        (cascade(rectangle="nan 7 16 4 -1"), "the number nan"),
        (cascade(rectangle="2 7 10 4 -1", tilted="1"), "extends beyond the window"),
        (cascade(nodes=""), "0 nodes"),
        (cascade(nodes="0 -1 0"), "0.75 nodes"),
        (cascade(leaves="0.1"), "1 leaves"),
        (cascade(nodes="0 -1 1 0.5"), "feature index 1 is out of range"),
        (cascade(nodes="0 -1 -1 0.5"), "feature index -1 is out of range"),
        (cascade(nodes="0 -2 0 0.5"), "child index -2"),
        (cascade(nodes="1 -1 0 0.5"), "child index 1"),
        (cascade(nodes="1 0 0 1 1 -1 0 1", leaves="1 2 3"), "node 1 of 2 has the child index 1"),
    ],
)
def test_files_that_crash_opencv_or_are_no_cascade(text, message):
    with pytest.raises(ModelError, match=message) as caught:
        rewritten(text, "hostile.xml")
    assert str(caught.value).startswith("hostile.xml: ")
    assert "\n" not in str(caught.value)


@given(left=st.integers(-5, 5), right=st.integers(-5, 5), feature=st.integers(-3, 3))
def test_the_indices_of_an_accepted_node_are_in_range(left, right, feature):
    text = cascade(nodes=f"{left} {right} {feature} 0.5")
    if feature == 0 and left in (0, -1) and right in (0, -1):
        rewritten(text, "c.xml")
    else:
        with pytest.raises(ModelError):
            rewritten(text, "c.xml")


@pytest.mark.parametrize("table", ["stages", "features"])
def test_a_cascade_that_only_opencv_rejects(tmp_path, table):
    path = tmp_path / "bare.xml"
    path.write_text(re.sub(f"<{table}>.*</{table}>", f"<{table}></{table}>", cascade(), flags=re.S))
    with pytest.raises(ModelError, match=r"bare\.xml: ") as caught:
        HaarDetector(path)
    assert "\n" not in str(caught.value)
