import base64

import cv2
import numpy as np
from helpers.html_page import Page, assert_self_contained

from emorec.pages import image_tag, page, table, wide_image

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
