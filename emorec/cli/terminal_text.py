"""Text that is safe to print on a terminal."""


def one_line(text: str) -> str:
    """Join a text to one line and replace control characters by "?".

    Names and contents of files are untrusted: escape sequences in them must not reach the terminal.
    """
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
