import json

import cv2
from click.testing import CliRunner, Result

from emorec.cli.doctor import checks
from emorec.cli.doctor.check import NOTE, OK
from emorec.cli.main import main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *arguments])


def test_a_healthy_installation():
    result = run()
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "system"
    assert lines[-1] == "nothing is wrong"
    (yunet,) = (line.split() for line in lines if line.split()[1:2] == ["yunet"])
    assert yunet[0] == "ok"


def test_json():
    report = json.loads(run("--json").stdout)
    assert report["healthy"] is True
    assert {check["state"] for check in report["checks"]} <= {OK, NOTE}
    (opencv,) = (c for c in report["checks"] if (c["group"], c["name"]) == ("OpenCV", "import"))
    assert opencv["found"].startswith(cv2.__version__)
    assert set(opencv) == {"group", "name", "state", "found", "fix"}


def test_what_is_wrong_ends_the_output_and_sets_the_exit_code(installed):
    installed["opencv-python-headless"] = "4.12.0"
    result = run()
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1] == "wrong: OpenCV packages"
    as_json = run("--json")
    assert as_json.exit_code == 1
    assert json.loads(as_json.stdout)["healthy"] is False


def test_deep_lists_devices(installed, monkeypatch):
    monkeypatch.setattr(checks, "_DEEP", {"jax": "print('cpu:0')"})
    installed["jax"] = "0.8"
    assert "devices" not in run().stdout.splitlines()
    assert "devices" in run("--deep").stdout.splitlines()
