"""Shell completion, as the scripts of click ask for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from emorec.cli.main import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
try:
    from emorec.cli.main import run
    run()
finally:
    print(*{{name.partition(".")[0] for name in sys.modules}}, file=sys.stderr)
"""

SLOW = {"numpy", "cv2", "onnxruntime", "rich", "keras", "tensorflow", "pydantic", "matplotlib"}


def ask(*words: str) -> list[str]:
    """Return the completions of the last word, each with its type."""
    shell = ShellComplete(main, {}, "emorec", "_EMOREC_COMPLETE")
    found = shell.get_completions(list(words[:-1]), words[-1])
    return [f"{item.type},{item.value}" for item in found]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("",), [f"plain,{name}" for name in COMMANDS]),
        (("de",), ["plain,detect"]),
        (("--ver",), ["plain,--version", "plain,--verbose"]),
        (("detect", "--detector-"), ["plain,--detector-model"]),
        (("detect", "--detector", ""), ["plain,yunet", "plain,haar", "plain,none"]),
        (("detect", "--detector", "h"), ["plain,haar"]),
        (("detect", "--device", "cu"), ["plain,cuda"]),
        (("detect", "--model", "emorec-n"), ["plain,emorec-nano", "file,emorec-n"]),
        (("detect", "pho"), ["file,pho"]),
        (("detect", "a.jpg", "--csv", "fa"), ["file,fa"]),
        (("evaluate", "emorec-c"), ["plain,emorec-compact", "file,emorec-c"]),
        (("export", "m", "--format", "o"), ["plain,onnx", "plain,openvino"]),
        (("models", "l"), ["plain,list"]),
        (("models", "list", "--json"), ["plain,--json", "plain,--json-file"]),
    ],
)
def test_commands_options_values_and_files(words: tuple[str, ...], expected: list[str]) -> None:
    assert ask(*words) == expected


@pytest.mark.parametrize(
    ("shell", "words", "expected"),
    [
        ("bash", ("",), [f"plain,{name}" for name in COMMANDS]),
        ("zsh", ("det",), ["plain", "detect", COMMANDS["detect"]]),
        ("bash", ("detect", "--detector", ""), ["plain,yunet", "plain,haar", "plain,none"]),
    ],
)
def test_a_shell_gets_its_answer_without_slow_imports(
    shell: str, words: tuple[str, ...], expected: list[str]
) -> None:
    environment = {
        "_EMOREC_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": " ".join(("emorec", *words)),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines() == expected
    assert "click" in done.stderr.split()
    assert not SLOW.intersection(done.stderr.split())


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_documented_line_prints_a_script(shell: str) -> None:
    page = (ROOT / "docs" / "command-line.md").read_text("utf-8")
    assert f"_EMOREC_COMPLETE={shell}_source emorec" in page
    result = CliRunner().invoke(
        main, prog_name="emorec", env={"_EMOREC_COMPLETE": f"{shell}_source"}
    )
    assert result.exit_code == 0
    assert f"_EMOREC_COMPLETE={shell}_complete" in result.stdout
