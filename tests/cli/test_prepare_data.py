"""The command `emorec prepare-data`, on small and on real FERPlus data."""

import json
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from helpers.checkouts import HAPPY, HEADER, csv_text, make_checkout, noise_png, tree

from emorec.cli.main import main

COMMAND = [sys.executable, "-c", "from emorec.cli.main import run; run()", "prepare-data"]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "FERPlus")


@pytest.fixture
def dest(tmp_path: Path) -> Path:
    return tmp_path / "FER-2013"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["prepare-data", *map(str, arguments)])


def test_no_arguments_are_a_usage_error() -> None:
    result = run()
    assert result.exit_code == 2
    assert "Missing argument 'SOURCE...'" in result.stderr


def test_people_are_kept_together(tmp_path: Path, dest: Path) -> None:
    for number in range(24):
        folder = tmp_path / "mine" / ("happy", "sad")[number % 2] / f"p{number // 4}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.png").write_bytes(noise_png(number))
    result = run(tmp_path / "mine", "--out", dest, "--group-by", "folder:2", "--no-report")
    assert result.exit_code == 0
    assert result.stderr == "note: 6 groups by 'folder:2', of 4 images each\n"
    result = run(tmp_path / "mine", "--out", dest, "--group-by", "S(")
    assert (result.exit_code, result.stderr) == (
        3,
        "error: --group-by 'S(': not a regular expression: missing ), unterminated subpattern at "
        "character 2\n",
    )
    result = run(tmp_path / "mine", "--out", dest, "--group-by", "p[0-2]")
    assert result.exit_code == 4
    assert "12 of 24 paths do not match --group-by 'p[0-2]', such as 'happy/p3/" in result.stderr


def test_counts_are_shown_by_split_and_emotion(checkout: Path, dest: Path) -> None:
    result = run(checkout, "--out", dest)
    assert result.exit_code == 0
    assert result.stderr == ""
    lines = [[cell.strip() for cell in line.split("│")[1:-1]] for line in result.stdout.split("\n")]
    assert [cells for cells in lines if cells] == [
        ["angry", "0", "0", "0", "0"],
        ["disgust", "0", "0", "0", "0"],
        ["fear", "0", "0", "0", "0"],
        ["happy", "1", "1", "0", "2"],
        ["neutral", "0", "0", "0", "0"],
        ["sad", "1", "0", "1", "2"],
        ["surprise", "0", "0", "0", "0"],
        ["kept", "2", "1", "1", "4"],
        ["no label: contempt", "1", "0", "0", "1"],
        ["no label: unknown", "0", "1", "0", "1"],
        ["no label: not a face", "0", "0", "1", "1"],
        ["dropped: no image name", "1", "0", "0", "1"],
        ["rows of the source", "4", "2", "2", "8"],
    ]
    assert result.stdout.endswith(f"{dest}: prepared\n{dest}/report.html: written\n")
    again = run(checkout, "--out", dest)
    assert again.stdout.endswith(f"{dest}: up to date, left unchanged\n")


def test_faults_are_noted_on_standard_error(checkout: Path, dest: Path) -> None:
    shutil.rmtree(checkout / "output/FER2013Test")
    result = run(checkout, "--out", dest)
    assert result.exit_code == 0
    assert result.stderr == (
        "warning: the folder FER2013Test is missing or holds no image: "
        "2 PrivateTest images are skipped\n"
    )


def test_json_is_the_summary(checkout: Path, dest: Path) -> None:
    shutil.rmtree(checkout / "output/FER2013Test")
    result = run(checkout, "--out", dest, "--policy", "majority", "--classes", 8, "--json")
    summary = json.loads(result.stdout)
    assert summary == json.loads((dest / "summary.json").read_text())
    assert (summary["policy"], summary["classes"]) == ("majority", 8)
    assert summary["gaps"][0]["reason"] == "image folder missing"


def write_votes(text: str) -> Callable[[Path], object]:
    return lambda checkout: (checkout / "fer2013new.csv").write_text(text)


BAD = {
    "no source": (shutil.rmtree, "no such folder"),
    "no CSV": (lambda root: (root / "fer2013new.csv").unlink(), "no fer2013new.csv was found"),
    "empty CSV": (write_votes(""), "the file is empty"),
    "no rows": (write_votes(HEADER), "no rows"),
    "missing column": (write_votes("Usage,Image name\n"), "missing column 'neutral'"),
    "wrong types": (
        write_votes(csv_text([("Training", "a.png", ["x"] * 10)])),
        "a vote must be a whole number",
    ),
    "hostile name": (
        write_votes(csv_text([("Training", "../../x.png", HAPPY)])),
        "row 2: '../../x.png' is not a plain file name",
    ),
    "unknown usage": (write_votes(csv_text([("Dev", "a.png", HAPPY)])), "unknown usage 'Dev'"),
    "no images": (lambda root: shutil.rmtree(root / "output"), "none of the images"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_exit_code_4(checkout: Path, dest: Path, case: str) -> None:
    spoil, message = BAD[case]
    spoil(checkout)
    result = run(checkout, "--out", dest)
    assert result.exit_code == 4
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert {path.name for path in dest.parent.iterdir()} <= {"FERPlus"}


def test_flags_reach_the_library(checkout: Path, dest: Path) -> None:
    dest.mkdir()
    (dest / "mine.txt").write_text("mine")
    assert run(checkout, "--out", dest).exit_code == 4
    assert run(checkout, "--out", dest, "--overwrite").exit_code == 0
    shutil.rmtree(checkout / "output/FER2013Test")
    result = run(checkout, "--out", dest, "--strict")
    assert result.exit_code == 4
    assert "strict: the folder FER2013Test is missing" in result.stderr


def test_damaged_images_are_named(checkout: Path, dest: Path) -> None:
    train = checkout / "output/FER2013Train"
    (train / "fer0000000.png").write_bytes(b"")
    (train / "fer0000001.png").write_bytes((train / "fer0000001.png").read_bytes()[:1000])
    result = run(checkout, "--out", dest)
    assert result.exit_code == 0
    assert "warning: unreadable images: 2 (fer0000000.png, fer0000001.png)" in result.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
def test_ctrl_c_leaves_no_files(tmp_path: Path, dest: Path) -> None:
    # One row, because a second Ctrl-C may interrupt the cleanup (the next run then does it).
    checkout = make_checkout(tmp_path / "FERPlus", [("Training", "fer0000000.png", HAPPY)])
    program = (
        "import os, signal, emorec.datasets.prepare as prepare\n"
        "from emorec.cli.main import run\n"
        "prepare.check_readable = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n"
        "run()"
    )
    command = [sys.executable, "-c", program, "prepare-data", checkout, "--out", dest]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 130
    assert "Traceback" not in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["FERPlus"]


def test_training_packages_are_not_needed(checkout: Path, dest: Path) -> None:
    program = (
        "import sys\n"
        "for name in ('pandas', 'keras', 'tensorflow', 'matplotlib', 'yaml', 'pydantic'):\n"
        "    sys.modules[name] = None\n"
        "from emorec.cli.main import run\n"
        "run()"
    )
    command = [sys.executable, "-c", program, "prepare-data", checkout, "--out", dest]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.fixture(scope="session")
def ferplus(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real FERPlus checkout, without the images of PrivateTest."""
    folder = tmp_path_factory.mktemp("real")
    tool = shared_data.parent / "tools" / "unpack_ferplus.py"
    subprocess.run([sys.executable, tool, folder, "--csv"], check=True)
    return folder / "FERPlus"


def timed(*arguments: object) -> tuple[float, subprocess.CompletedProcess[str]]:
    start = time.perf_counter()
    result = subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return time.perf_counter() - start, result


def states(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for path in (root, *root.rglob("*"))
    }


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "train", "validation"),
    [
        ([], 28_221, 3_529),
        (["--policy", "majority", "--classes", "8"], 25_057, 3_199),
    ],
)
def test_real_counts(
    ferplus: Path, tmp_path: Path, options: list[str], train: int, validation: int
) -> None:
    out = tmp_path / "FER-2013"
    first, result = timed(ferplus, "--out", out, *options)
    assert "the folder FER2013Test is missing" in result.stderr
    assert "different votes, dropped: 1 (fer0033120.png)" in result.stderr
    assert "equal votes, kept once: 3 (fer0006953.png, fer0011785.png, fer0008403.png)" in (
        result.stderr
    )
    summary = json.loads((out / "summary.json").read_text())
    kept = {split: sum(counts.values()) for split, counts in summary["kept"].items()}
    assert kept == {"train": train, "validation": validation, "test": 0}
    files = [path.parts[-3:-1] for path in out.rglob("*.png")]
    assert len(files) == 28_558 + 3_579
    assert sum(folder[0] == "train" for folder in files) == train
    assert sum(folder[0] == "test" for folder in files) == validation
    rows = sum(
        sum(counts.values())
        for part in ("kept", "unlabelled", "dropped")
        for counts in summary[part].values()
    )
    assert rows == 35_887

    before = states(tmp_path)
    again, result = timed(ferplus, "--out", out, *options)
    assert "up to date, left unchanged" in result.stdout
    assert states(tmp_path) == before
    assert again < first


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
def test_a_real_kill_and_a_rerun_end_in_the_same_tree(ferplus: Path, tmp_path: Path) -> None:
    whole, out = tmp_path / "whole", tmp_path / "FER-2013"
    # The report has the folder's name in its title.
    timed(ferplus, "--no-report", "--out", whole)
    process = subprocess.Popen([*COMMAND, str(ferplus), "--no-report", "--out", str(out)])
    partial = tmp_path / ".FER-2013.emorec-partial" / "new" / "train" / "happy"
    deadline = time.monotonic() + 60
    while not (partial.is_dir() and len(list(partial.iterdir())) > 1000):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not out.exists()
    timed(ferplus, "--no-report", "--out", out)
    assert tree(out) == tree(whole)
    assert {path.name for path in tmp_path.iterdir()} == {"whole", "FER-2013"}


def decoded(root: Path) -> dict[str, bytes]:
    def pixels(data: bytes) -> bytes:
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED).tobytes()

    found = tree(root)
    return {path: pixels(data) if path.endswith(".png") else data for path, data in found.items()}


@pytest.mark.real
@pytest.mark.slow
def test_every_route_to_the_real_data_has_the_same_result(ferplus: Path, tmp_path: Path) -> None:
    pixels = ferplus.parent / "fer2013.csv"
    votes = ("--ferplus-csv", ferplus / "fer2013new.csv")
    archives = {}
    for name, root in (("FERPlus", ferplus), ("fer2013.csv", pixels)):
        archives[name] = tmp_path / f"{name}.zip"
        with zipfile.ZipFile(archives[name], "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            for path in [root] if root.is_file() else sorted(root.rglob("*")):
                file.write(path, path.relative_to(root.parent))
    routes = {
        "checkout": (ferplus,),
        "links": (ferplus, "--link", "symlink"),
        "pixels": (pixels, *votes),
        "zipped checkout": (archives["FERPlus"],),
        "zipped pixels": (archives["fer2013.csv"], *votes),
    }
    expected = None
    for name, arguments in routes.items():
        out = tmp_path / name
        _, result = timed(*arguments, "--no-report", "--out", out)
        found = decoded(out)
        summary = json.loads(found.pop("summary.json"))
        kept = {split: sum(counts.values()) for split, counts in summary["kept"].items()}
        assert kept == {"train": 28_221, "validation": 3_529, "test": 0}
        assert list(summary["kept"]["validation"].values()) == [319, 34, 74, 899, 1335, 412, 456]
        if "pixels" in name:
            note = "3,589 rows of fer2013new.csv have no pixels: fer2013.csv ends before them"
            assert note in result.stderr
        assert len(found) == 28_558 + 3_579 + 1
        assert expected in (None, found)
        expected = found
        shutil.rmtree(out)
    result = subprocess.run(
        [*COMMAND, pixels, *votes, "--strict", "--out", tmp_path / "strict"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 4
    assert "error: strict: 3,589 rows of fer2013new.csv have no pixels" in result.stderr


@pytest.mark.real
@pytest.mark.slow
def test_fer2013_alone_has_its_own_labels(ferplus: Path, tmp_path: Path) -> None:
    timed(ferplus.parent / "fer2013.csv", "--out", tmp_path / "out")
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    # The labels of the 28,558 images, those of three rows that repeat one, and 148 black images
    # of rows that FERPlus drops, to which the tool that generates the data assigns no other label.
    assert summary["kept"]["train"] == {
        "angry": 3974 + 1,
        "disgust": 435,
        "fear": 4076,
        "happy": 7190,
        "neutral": 4924 + 148,
        "sad": 4801 + 2,
        "surprise": 3158,
    }
