import base64
import hashlib
import json
import re

import cv2
import numpy as np
from helpers.html_page import Page, assert_self_contained

from emorec.pages import data_tag, image_tag, page, table, wide_image

PNG = cv2.imencode(".png", np.full((2, 3), 7, np.uint8))[1].tobytes()


def test_an_empty_page():
    text = page("A & B", [])
    assert_self_contained(text)
    assert "<h1>A &amp; B</h1>" in text
    assert "A & B" in Page(text).text


def test_images_are_embedded():
    text = page("x", [image_tag(PNG, 'a "b"'), wide_image(PNG, "c")])
    assert_self_contained(text)
    images = [attributes for tag, attributes in Page(text).tags if tag == "img"]
    assert [image["alt"] for image in images] == ['a "b"', "c"]
    content = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    assert [image["src"] for image in images] == [content] * 2


def test_a_table_escapes_its_cells():
    text = table(["name", "n"], [["<b>", "1"]], ["sum", "1"])
    assert "&lt;b&gt;" in text
    assert text.count("<tr>") == 3
    assert "<tfoot>" not in table(["name"], [])
    Page(page("x", [text]))


def test_one_script_runs_and_the_policy_has_its_hash():
    text = page("x", [], style="b { color: red }", script="let a = 1;", media=True)
    digest = base64.b64encode(hashlib.sha256(b"let a = 1;").digest()).decode()
    assert f"media-src 'self' file: blob:; script-src 'sha256-{digest}'\"" in text
    assert "<script>let a = 1;</script>" in text
    assert "b { color: red }</style>" in text
    assert "script-src" not in page("x", [])


def test_data_cannot_end_its_element():
    value = {"a": ["</script><!--", "\u2028é", 1.5, None]}
    text = data_tag('i"d', value)
    assert text.count("<") == 2
    match = re.fullmatch(r'<script type="application/json" id="i&quot;d">(.*)</script>', text)
    assert match
    assert json.loads(match[1]) == value
