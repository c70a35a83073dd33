"""scripts/_install.py with a fake of pip."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "_install.py"
_spec = spec_from_file_location("install_script", SCRIPT)
assert _spec is not None
assert _spec.loader is not None
script = module_from_spec(_spec)
sys.modules[_spec.name] = script
_spec.loader.exec_module(script)

FAKE_PIP = """\
import os, sys, time
from pathlib import Path
here = Path(__file__).parents[1]
(Path(os.environ["TMPDIR"]) / "big.whl").write_bytes(bytes(3_000_000))
print("Collecting big", "  Downloading big-1.0-py3-none-any.whl (3.0 MB)", sep="\\n", flush=True)
(here / "call").write_text(" ".join(sys.argv[1:]) + " in " + os.getcwd())
{act}
"""

PROGRAM = """\
import runpy, sys
sys.prefix, script = sys.argv[1:3]
sys.argv[1:3] = []
runpy.run_path(script, run_name="__main__")
"""


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def start(folder: Path, act: str = "", extra: str = "base") -> subprocess.Popen[str]:
    """Start the script for an environment in `folder`, with a fake of pip that ends with `act`."""
    (folder / "pip").mkdir()
    (folder / "pip" / "__init__.py").touch()
    (folder / "pip" / "__main__.py").write_text(FAKE_PIP.format(act=act))
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, folder, SCRIPT, extra],
        env={**os.environ, "PYTHONPATH": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(folder: Path, act: str = "", extra: str = "base") -> tuple[int, str, str]:
    """Run the script; return its exit status and what it prints."""
    process = start(folder, act, extra)
    stdout, stderr = process.communicate(timeout=120)
    return process.returncode, stdout, stderr


@pytest.mark.parametrize(
    ("extra", "target", "size"), [("base", "-e .", "360 MB"), ("dev", "-e .[dev]", "3,700 MB")]
)
def test_the_cost_is_said_and_pip_installs_the_checkout(
    tmp_path: Path, extra: str, target: str, size: str
) -> None:
    code, stdout, stderr = run(tmp_path, extra=extra)
    assert (code, stdout) == (0, ""), stderr
    first, *_, last = stderr.splitlines()
    assert f"into {tmp_path}: about" in first
    assert f"{size} on disk" in first
    assert "min at 100 Mbit/s" in first
    assert last.startswith("Installed in ")
    assert (tmp_path / "call").read_text().endswith(f"{target} in {SCRIPT.parents[1]}")
    assert not list(tmp_path.glob("downloads-*"))


def test_ctrl_c_ends_pip_and_leaves_no_downloads(tmp_path: Path) -> None:
    process = start(tmp_path, "time.sleep(600)")
    while not (tmp_path / "call").exists():
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=120)
    assert process.returncode == 130
    assert not list(tmp_path.glob("downloads-*"))


def test_a_failure_of_pip_is_its_status_and_its_message(tmp_path: Path) -> None:
    code, _, stderr = run(tmp_path, 'sys.exit("ERROR: no space left")')
    assert code == 1
    assert stderr.splitlines()[-1] == "ERROR: no space left"


def test_an_environment_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, gone, SCRIPT, "base"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"cannot install into {gone}: ")


def test_an_unknown_extra_is_refused(tmp_path: Path) -> None:
    assert run(tmp_path, extra="all")[0] == 2
    assert not (tmp_path / "call").exists()


@pytest.mark.parametrize(
    ("lines", "action"),
    [
        ("", "preparing the build"),
        ("Obtaining file:///x\n  Preparing metadata: started\n", "preparing the build"),
        ("Collecting click>=8.2 (from emorec)\n", "downloading click>=8.2"),
        ("  Downloading https://h/simple/a-1.whl (2 MB)\n\n", "downloading a-1.whl"),
        ("Collecting a\nInstalling collected packages: a, b\n", "installing the packages"),
        ("Installing build dependencies: started\n", "preparing the build"),
    ],
)
def test_the_line_names_what_pip_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str, action: str
) -> None:
    free = iter([50_000_000, 40_000_000])
    monkeypatch.setattr(script, "free_space", lambda folder: next(free))
    progress = script.Progress(tmp_path, tmp_path)
    (tmp_path / "unpacked").mkdir()
    (tmp_path / "unpacked" / "a.whl").write_bytes(bytes(2_500_000))
    progress.follow(io.StringIO(lines))
    line = progress.line()
    assert line.endswith(f"  2 MB downloaded, 7 MB installed; {action}")
    assert line.startswith("0:0")


def test_space_that_others_free_is_not_counted(tmp_path: Path, monkeypatch) -> None:
    free = iter([1_000_000, 9_000_000])
    monkeypatch.setattr(script, "free_space", lambda folder: next(free))
    assert " 0 MB downloaded, 0 MB installed;" in script.Progress(tmp_path, tmp_path).line()


def test_free_space_is_that_of_the_file_system(tmp_path: Path) -> None:
    assert 0 < script.free_space(tmp_path) < 10**18


def shown(monkeypatch: pytest.MonkeyPatch, stream: io.StringIO) -> str:
    """What is shown of three lines, one every 10 ms."""
    monkeypatch.setattr(script, "SECONDS", 0.01)
    monkeypatch.setattr(script, "SECONDS_ON_TERMINAL", 0.01)
    ended, lines = threading.Event(), iter(["one", "two", "three"])

    def line() -> str:
        text = next(lines)
        if text == "three":
            ended.set()
        return text

    script.show(line, ended, stream)
    return stream.getvalue()


def test_a_file_gets_a_line_from_time_to_time(monkeypatch: pytest.MonkeyPatch) -> None:
    assert script.SECONDS <= 30
    assert shown(monkeypatch, io.StringIO()) == "one\ntwo\nthree\n"


def test_a_terminal_shows_the_line_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    text = shown(monkeypatch, Terminal())
    assert "\n" not in text
    assert text.split() == ["one", "two", "three"]
    assert [len(part) for part in text.split("\r")[1:-1]] == [78] * 4
    assert text.endswith("\r")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (65.9, "1:05"), (3600, "60:00")])
def test_the_clock(seconds: float, text: str) -> None:
    assert script.clock(seconds) == text


@pytest.mark.parametrize(("megabits", "minutes"), [(10, 15), (100, 3), (10_000, 2)])
def test_the_minutes_depend_on_the_connection(megabits: int, minutes: int) -> None:
    assert script.Cost("", "", 1000, 3000, 90).minutes(megabits) == minutes


def test_readme_and_contributing_state_the_size_that_the_script_prints() -> None:
    root = SCRIPT.parents[1]
    readme = (root / "README.md").read_text("utf-8")
    base, dev = script.COSTS["base"], script.COSTS["dev"]
    assert f"{base.download_mb} MB to download, {base.installed_mb} MB on disk" in readme
    size = f"{dev.installed_mb / 1000} GB on disk"
    assert f"{dev.download_mb // 1000} GB to download, {size}" in readme
    assert size in (root / "CONTRIBUTING.md").read_text("utf-8")
