import pytest

from emorec import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.EmorecError, 1),
        (errors.ConfigError, 3),
        (errors.DataError, 4),
        (errors.ModelError, 5),
        (errors.MissingDependencyError, 6),
    ],
)
def test_exit_codes(kind: type[errors.EmorecError], code: int):
    assert kind.exit_code == code
    assert issubclass(kind, errors.EmorecError)


def test_the_table_of_codes_is_complete():
    kinds = {kind for kind in vars(errors).values() if isinstance(kind, type)}
    assert len(kinds) == 5
