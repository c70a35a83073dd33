"""Words of commands that messages suggest, quoted for the shell of this system."""

import sys


def quoted(word: str) -> str:
    """Quote a word for the shell if it needs it.

    On Windows, double quotes work in PowerShell and in the command prompt; names have none there.
    """
    if sys.platform == "win32":
        plain = word and all(c.isalnum() or c in r"./-_\:+=" for c in word)
        return word if plain else f'"{word}"'
    from shlex import quote  # messages alone need it

    return quote(word)
