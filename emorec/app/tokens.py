"""The token without which the app answers nothing; this module needs no other package."""

import secrets

from emorec.errors import ConfigError

_SHORTEST = 16

_RESERVED = frozenset(' &;#%+"\\,')
"""Characters with a meaning in addresses and cookies."""


def new_token() -> str:
    """Return a random token of 32 bytes."""
    return secrets.token_urlsafe(32)


def check_token(text: str) -> str:
    """Return a token of a user.

    Raises:
        ConfigError: It is too short, or has characters that addresses and cookies cannot hold. The
            message does not repeat it.
    """
    if len(text) < _SHORTEST or not text.isascii() or not text.isprintable():
        raise ConfigError(f"a token has at least {_SHORTEST} ASCII characters")
    if _RESERVED & set(text):
        raise ConfigError('a token has no blanks and none of & ; # % + , " \\')
    return text
