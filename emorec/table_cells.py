"""Text cells of CSV files that are safe to open in a spreadsheet program."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters from which spreadsheet programs take a cell for a formula."""

_MARK = "'"


def safe_cell(text: str) -> str:
    """Return a text with an apostrophe before what a spreadsheet program would compute.

    A single "-", which stands for standard input, is harmless and stays.
    """
    return _MARK + text if _is_formula(text) else text


def plain_cell(cell: str) -> str:
    """Return the text that `safe_cell` made a cell from."""
    return cell[1:] if cell.startswith(_MARK) and _is_formula(cell) else cell


def _is_formula(text: str) -> bool:
    # Texts that begin with apostrophes are marked too, so that each cell stands for one text.
    bare = text.lstrip(_MARK)
    return bare.startswith(_FORMULA) and bare != "-"
