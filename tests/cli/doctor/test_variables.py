import os
from pathlib import Path

import pytest

from emorec.cli.doctor.check import NOTE, OK, WRONG, Check
from emorec.cli.doctor.variables import variable_checks
from emorec.environment import VARIABLES


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("EMOREC_"):
            monkeypatch.delenv(name)


def found() -> dict[str, Check]:
    return {check.name: check for check in variable_checks()}


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOREC_MODEL", "")
    checks = found()
    assert list(checks) == list(VARIABLES)
    assert {check.state for check in checks.values()} == {OK}
    assert checks["EMOREC_MODEL"].found == "not set; default: emorec-compact"
    assert checks["EMOREC_DETECTOR"].found == "not set; default: yunet"
    assert checks["EMOREC_DEVICE"].found == "not set; default: auto"
    assert checks["EMOREC_CACHE"].found.endswith("emorec")


@pytest.mark.parametrize(("value", "state"), [("a-secret-of-some-length", OK), ("a secret", WRONG)])
def test_the_token_is_not_shown(monkeypatch: pytest.MonkeyPatch, value: str, state: str) -> None:
    monkeypatch.setenv("EMOREC_APP_TOKEN", value)
    check = found()["EMOREC_APP_TOKEN"]
    assert check.state == state
    assert check.found.startswith("set; not shown")
    assert value not in check.found


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("EMOREC_MODEL", "emorec-nano", None),
        ("EMOREC_MODEL", "none.onnx", "none.onnx: no such model file"),
        ("EMOREC_DETECTOR", "haar", None),
        ("EMOREC_DETECTOR", "mtcnn", "unknown detector 'mtcnn'"),
        ("EMOREC_DEVICE", "cpu", None),
        ("EMOREC_DEVICE", "gpu", "unknown device 'gpu'"),
        ("EMOREC_CACHE", "new/folder", None),
        ("EMOREC_CACHE", "file", "file is not a folder that can be written to"),
        ("EMOREC_CACHE", "file/below", "file is not a folder that can be written to"),
    ],
)
def test_values(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str, problem: str | None
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    monkeypatch.setenv(name, value)
    check = found()[name]
    assert check.found.startswith(value)
    assert check.state == (OK if problem is None else WRONG)
    assert (problem or value) in check.found
    assert check.fix == ("" if problem is None else f"set {name} to another value, or unset it")


@pytest.mark.parametrize(
    ("name", "fix"), [("EMOREC_MODLE", "did you mean EMOREC_MODEL?"), ("EMOREC_TEST_MARK", "")]
)
def test_a_variable_that_is_not_read(monkeypatch: pytest.MonkeyPatch, name: str, fix: str) -> None:
    monkeypatch.setenv(name, "1")
    check = found()[name]
    assert (check.state, check.fix) == (NOTE, fix)
