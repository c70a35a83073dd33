"""Text that is safe to show on a terminal."""


def one_line(text: str) -> str:
    """Put a text on one line and take out what would steer the terminal.

    Names and contents of files come from anywhere; escape sequences in them must do nothing.
    """
    return "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
