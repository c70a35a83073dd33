"""Every exception becomes one line on standard error and an exit code."""

import errno
import signal

import click
import pytest

from emorec.cli.errors import interrupt_behind, report_error, user_error
from emorec.errors import (
    ConfigError,
    DataError,
    EmorecError,
    MissingDependencyError,
    ModelError,
)
from emorec.installation import install_command
from emorec.interrupts import Terminated


def missing(name: str) -> ModuleNotFoundError:
    return ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (EmorecError("it failed"), 1),
        (ConfigError("it failed"), 3),
        (DataError("it failed"), 4),
        (ModelError("it failed"), 5),
        (MissingDependencyError("it failed"), 6),
    ],
)
def test_known_errors_print_one_line_and_return_their_code(capsys, error, code):
    assert report_error(error) == code
    assert capsys.readouterr() == ("", "error: it failed\n")


def test_unexpected_errors_name_the_way_to_the_traceback(capsys):
    assert report_error(ZeroDivisionError("by\nzero \x1b[31m")) == 70
    assert capsys.readouterr().err == (
        "error: unexpected ZeroDivisionError: by zero ?[31m; "
        "with --debug, emorec shows where it comes from\n"
    )


def test_an_interruption(capsys):
    assert report_error(KeyboardInterrupt()) == 130
    assert capsys.readouterr() == ("", "interrupted\n")


def test_the_end_by_a_signal(capsys):
    assert report_error(Terminated(signal.SIGTERM)) == 143
    assert capsys.readouterr() == ("", "interrupted by SIGTERM\n")


def test_a_terminal_that_is_gone(monkeypatch):
    def fail(*_, **__):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(click, "echo", fail)
    assert report_error(KeyboardInterrupt()) == 130


def raised_after(first: BaseException, second: BaseException) -> BaseException:
    try:
        try:
            raise first
        finally:
            raise second
    except BaseException as error:
        return error


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (interrupt := Terminated(signal.SIGTERM), True),
        (raised_after(interrupt, OSError(errno.EIO, "gone")), True),
        (raised_after(interrupt, DataError("of the cleaning up")), False),
        (OSError(errno.EIO, "gone"), False),
        (DataError("other"), False),
    ],
)
def test_an_interrupt_after_which_output_failed(error, found):
    assert interrupt_behind(error) is (interrupt if found else None)


@pytest.mark.parametrize(
    ("name", "extra"),
    [
        ("keras", "train"),
        ("tensorflow", "train"),
        ("onnx", "onnx"),
        ("yaml", "train"),
        ("pydantic", "train"),
        ("matplotlib", "plots"),
        ("ray", "ray"),
        ("torch", "torch"),
    ],
)
def test_a_missing_package_of_an_extra(monkeypatch: pytest.MonkeyPatch, name: str, extra: str):
    monkeypatch.delenv("KERAS_BACKEND")
    error = user_error(missing(name))
    assert isinstance(error, MissingDependencyError)
    assert str(error) == (
        f"this command needs the package {name!r}; install it with: {install_command(extra)}"
    )


@pytest.mark.parametrize("name", ["jax", "torch"])
def test_a_missing_backend(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KERAS_BACKEND", name)
    assert str(user_error(missing(name))) == (
        f"KERAS_BACKEND is {name!r}, which is not installed; install it with: "
        f"{install_command(name)}, or unset KERAS_BACKEND"
    )


@pytest.mark.parametrize(
    ("importer", "message"),
    [
        ("ray.data", f"ray needs the package 'msgpack'; install it with: {install_command('ray')}"),
        ("pandas.io", None),
        ("emorec.cli.main", None),
    ],
)
def test_a_missing_package_of_another_package(importer: str, message: str | None):
    """It is known by the code that imports it."""
    try:
        exec("raise ModuleNotFoundError(name='msgpack')", {"__name__": importer})
    except ModuleNotFoundError as caught:
        error = user_error(caught)
    assert message == (error and str(error))


@pytest.mark.parametrize("name", ["cv2", "onnxruntime", "packaging"])
def test_a_missing_package_of_the_base_install(name: str):
    error = user_error(missing(name))
    assert isinstance(error, MissingDependencyError)
    assert str(error) == f"the package {name!r} is missing; reinstall emorec: {install_command()}"


@pytest.mark.parametrize(
    "error",
    [
        missing("keras.nonsense"),
        missing("emorec.nonsense"),
        missing("nonsense"),
        ModuleNotFoundError("No module"),
        ImportError("cannot import name 'nonsense' from 'keras'", name="keras"),
        ImportError("libodd.so: cannot open shared object file", name="other"),
        KeyError("k"),
    ],
)
def test_other_errors_are_bugs(error):
    assert user_error(error) is None
