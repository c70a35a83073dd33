import runpy
import subprocess
import sys
import types
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from emorec import __version__
from emorec.cli import main as main_module
from emorec.cli.main import COMMANDS, main
from emorec.errors import DataError, ModelError

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("own_signals")

RUN = "from emorec.cli.main import run; run()"


@pytest.fixture
def failing(monkeypatch):
    """Return a function that runs a command which raises the given error."""

    def run(error: BaseException, *options: str):
        @click.command()
        def boom() -> None:
            """Fail."""
            raise error

        module = types.ModuleType("emorec.cli.boom")
        module.boom = boom
        monkeypatch.setitem(sys.modules, "emorec.cli.boom", module)
        monkeypatch.setitem(COMMANDS, "boom", "Fail.")
        return CliRunner().invoke(main, [*options, "boom"])

    return run


def test_no_command_shows_the_help():
    result = CliRunner().invoke(main, [])
    assert result.exit_code == 2
    assert all(name in result.output for name in COMMANDS)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_every_command(option):
    result = CliRunner().invoke(main, [option])
    assert result.exit_code == 0
    words = " ".join(result.output.split())
    assert all(f"{name} {text}" in words for name, text in COMMANDS.items())


@pytest.mark.parametrize("name", COMMANDS)
def test_short_help_equals_the_docstring_of_the_command(name):
    command = main.get_command(click.Context(main), name)
    assert command.name == name
    assert command.get_short_help_str(limit=200) == COMMANDS[name]


def test_version():
    result = CliRunner().invoke(main, ["--version"])
    assert (result.exit_code, result.output) == (0, f"emorec, version {__version__}\n")


@pytest.mark.parametrize("arguments", [["detct"], ["--nonsense"], ["detect"], ["detect", "--bad"]])
def test_usage_errors(arguments):
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "Usage: " in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ModelError("it failed"), 5, "it failed"),
        (ModuleNotFoundError(name="keras"), 6, "this command needs the package 'keras'; "),
        (ZeroDivisionError("by zero"), 70, "unexpected ZeroDivisionError: by zero; "),
    ],
)
def test_errors_print_one_line_and_their_code(failing, error, code, message):
    result = failing(error)
    assert (result.exit_code, result.stdout) == (code, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(f"error: {message}")


@pytest.mark.parametrize(("error", "code"), [(DataError("it failed"), 4), (KeyError("k"), 70)])
def test_debug_shows_the_traceback(failing, error, code):
    result = failing(error, "--debug")
    assert result.exit_code == code
    assert "Traceback" in result.stderr
    assert "raise error" in result.stderr
    assert result.stderr.splitlines()[-1].startswith("error: ")


def test_interruption(failing):
    result = failing(KeyboardInterrupt())
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "interrupted\n")


@pytest.mark.parametrize(
    "message",
    [
        "libGL.so.1: cannot open shared object file: No such file or directory",
        "Error loading shared library libgthread-2.0.so.0: No such file (needed by cv2.abi3.so)",
    ],
)
def test_opencv_without_system_libraries_names_both_fixes(tmp_path: Path, message):
    (tmp_path / "cv2").mkdir()
    (tmp_path / "cv2" / "__init__.py").write_text(f"raise ImportError({message!r})\n")
    script = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; {RUN}"
    done = subprocess.run(
        [sys.executable, "-c", script, "detect", "x.jpg"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 6
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "apt-get install libgl1 libglib2.0-0 libxcb1" in done.stderr
    assert "pip uninstall -y opencv-python && pip install opencv-python-headless==" in done.stderr


GUARD = """
import sys

class Trap(RuntimeError):
    pass

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in TRAPPED:
            raise Trap(name)  # no ImportError, so that no fallback hides it

TRAPPED = {trapped}
sys.meta_path.insert(0, Finder())
sys.path.insert(0, {root!r})
try:
    from emorec.cli.main import run
    run()
finally:
    loaded = TRAPPED & {{name.partition(".")[0] for name in sys.modules}}
    if loaded:
        print("loaded:", *loaded, file=sys.stderr)
"""

TRAINING_ONLY = {"tensorflow", "keras", "pandas", "matplotlib", "onnx", "pydantic", "yaml"}
HEAVY = TRAINING_ONLY | {"cv2", "numpy", "onnxruntime", "rich"}


def guarded(trapped: set[str], arguments: list[str], folder: Path) -> subprocess.CompletedProcess:
    script = GUARD.format(trapped=trapped, root=str(ROOT))
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_loads_nothing_heavy(tmp_path: Path, option):
    done = guarded(HEAVY, [option], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_detect_loads_nothing_for_training_or_other_scripts(tmp_path: Path):
    from helpers.onnx_models import write_tiny_model

    model = write_tiny_model(tmp_path / "tiny.onnx")
    photo = ROOT / "examples" / "astronaut.jpg"
    arguments = ["detect", str(photo), "--bars", "--model", str(model), "--json-file", "faces.json"]
    done = guarded(TRAINING_ONLY | {"rich", "PIL"}, arguments, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  1  166,59 115x115  " in done.stdout
    assert (tmp_path / "astronaut-emotions.jpg").stat().st_size > 0


@pytest.mark.parametrize("arguments", [["doctor"], ["models", "list"], ["models", "show"]])
def test_diagnosis_and_models_load_nothing_for_training(tmp_path: Path, arguments):
    done = guarded(TRAINING_ONLY, arguments, tmp_path)
    assert "emorec-compact" in done.stdout
    assert "Trap" not in done.stdout + done.stderr


def test_the_guard_notices_an_import(tmp_path: Path):
    done = guarded({"click"}, ["--help"], tmp_path)
    assert done.returncode != 0
    assert "Trap" in done.stderr


def test_a_closed_standard_output_is_no_error(tmp_path: Path):
    script = f"import sys; sys.path.insert(0, {str(ROOT)!r}); {RUN}"
    with subprocess.Popen(
        [sys.executable, "-c", script, "--help"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == b""


def test_run_exits_with_the_code(monkeypatch):
    with pytest.raises(SystemExit) as caught:
        main_module.run(["nonsense"])
    assert caught.value.code == 2
    monkeypatch.setattr(main_module, "main", _interrupted)
    with pytest.raises(SystemExit) as caught:
        main_module.run([])
    assert caught.value.code == 130


def _interrupted(**_: object) -> None:
    raise KeyboardInterrupt


def test_python_m_emorec_is_the_same(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["emorec", "--version"])
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("emorec", run_name="__main__")
    assert caught.value.code in (None, 0)
    assert __version__ in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="shells there cannot close a stream")
@pytest.mark.parametrize(
    ("words", "closed", "code", "stderr"),
    [
        ("--csv c.csv", ">&-", 0, ""),
        ("--csv c.csv", "2>&-", 0, ""),
        ("--csv c.csv", "<&- >&- 2>&-", 0, ""),
        ("--json", ">&-", 4, "error: -: standard output is closed; name a file instead\n"),
        ("--csv -", ">&- 2>&-", 4, ""),
        ("--json", ">/dev/full", 4, "error: -: cannot write: No space left on device\n"),
    ],
)
def test_closed_streams_lose_no_file(
    tmp_path: Path, words: str, closed: str, code: int, stderr: str
):
    from helpers.onnx_models import write_tiny_model

    model = write_tiny_model(tmp_path / "tiny.onnx")
    detect = f"detect {ROOT / 'examples' / 'astronaut.jpg'} --model {model} --no-save {words}"
    command = f"exec {sys.executable} -m emorec {detect} {closed}"
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (code, stderr)
    if "c.csv" in words:
        assert (tmp_path / "c.csv").read_text().count("\n") == 2
