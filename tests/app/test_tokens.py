"""Tokens are long, and addresses and cookies can hold them."""

import pytest

from emorec.app.tokens import check_token, new_token
from emorec.errors import ConfigError


def test_new_tokens():
    tokens = {new_token() for _ in range(3)}
    assert len(tokens) == 3
    assert all(check_token(token) == token and len(token) == 43 for token in tokens)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "at least 16 ASCII characters"),
        ("short", "at least 16 ASCII characters"),
        ("é" * 16, "at least 16 ASCII characters"),
        ("0123456789abcde\n", "at least 16 ASCII characters"),
        ("0123456789 abcdef", "no blanks"),
        ("0123456789;abcdef", "no blanks"),
        ("0123456789%abcdef", "no blanks"),
    ],
)
def test_wrong_tokens(text: str, reason: str):
    with pytest.raises(ConfigError, match=reason) as error:
        check_token(text)
    assert not text or text not in str(error.value)
