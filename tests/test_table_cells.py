import pytest
from hypothesis import given
from hypothesis import strategies as st

from emorec.table_cells import plain_cell, safe_cell


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("", ""),
        ("photo.jpg", "photo.jpg"),
        ("-", "-"),
        ("a=b", "a=b"),
        ("=1+1.jpg", "'=1+1.jpg"),
        ("+49.png", "'+49.png"),
        ("-x.png", "'-x.png"),
        ("--", "'--"),
        ("@list.png", "'@list.png"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("'quoted'", "'quoted'"),
        ("'=x", "''=x"),
    ],
)
def test_what_begins_like_a_formula_is_marked(text: str, cell: str):
    assert safe_cell(text) == cell
    assert plain_cell(cell) == text


@given(st.text("'=-+@\ta", max_size=6), st.text("'=-+@\ta", max_size=6))
def test_each_cell_stands_for_one_text(text: str, other: str):
    assert plain_cell(safe_cell(text)) == text
    assert (safe_cell(text) == safe_cell(other)) == (text == other)
