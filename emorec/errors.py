"""The exceptions that emorec raises on purpose, each with the exit code of the command line."""

UNEXPECTED = 70
"""Exit code after any other exception, which is a bug: EX_SOFTWARE of sysexits.h."""


class EmorecError(Exception):
    """Base of every error that a user can act on.

    The message says what failed, what was received and what to do next, in one line.
    """

    exit_code = 1


class ConfigError(EmorecError):
    """A setting is unknown, out of range or contradicts another one."""

    exit_code = 3


class DataError(EmorecError):
    """A data set, a CSV file or an image is missing, broken or unsafe."""

    exit_code = 4


class ModelError(EmorecError):
    """A model file is missing, broken, unsafe or without metadata."""

    exit_code = 5


class MissingDependencyError(EmorecError):
    """An optional package that the command needs is not installed."""

    exit_code = 6
