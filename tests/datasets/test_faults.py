"""Injected faults of the machine: a full disk, Ctrl-C, little memory."""

import gzip
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from helpers.checkouts import make_checkout, tree

from emorec.datasets.prepare import prepare_data

NEW_NAMESPACE = ["unshare", "--map-root-user", "--mount"]

FULL_DISK = """
import subprocess, sys
from pathlib import Path
from helpers.checkouts import make_checkout, tree
from emorec.datasets.prepare import prepare_data
from emorec.datasets.prepare_options import PrepareOptions
from emorec.datasets.readers.rows import ReadOptions
from emorec.errors import DataError

source, disk, existing = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] == "True"
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], check=True)
dest = disk / "FER-2013"
if existing:
    prepare_data(make_checkout(disk.with_name("old")), dest)
before = tree(disk)
try:
    prepare_data(source, dest, PrepareOptions(overwrite=True))
except DataError as error:
    assert "No space left on device" in str(error), error
    assert str(dest) in str(error), error
else:
    raise AssertionError("400 KiB held it all")
assert tree(disk) == before
assert [path.name for path in disk.iterdir()] == (["FER-2013"] if existing else [])
print("as it was")
"""


def can_mount() -> bool:
    command = [*NEW_NAMESPACE, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def make_pixels(path: Path, rows: int) -> Path:
    numbers = " ".join(["128"] * 48 * 48)
    path.write_text("emotion,pixels,Usage\n" + f"3,{numbers},Training\n" * rows)
    return path


def make_source(tmp_path: Path, kind: str, count: int) -> Path:
    if kind == "pixels":
        return make_pixels(tmp_path / "fer2013.csv", count)
    rows = [("Training", f"fer{i:07}.png", (0, 9, *[0] * 8)) for i in range(count)]
    return make_checkout(tmp_path / "FERPlus", rows)


@pytest.mark.skipif(not can_mount(), reason="no file systems can be mounted here")
@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize("kind", ["images", "pixels"])
def test_a_full_disk_leaves_the_folder_as_it_was(tmp_path: Path, kind: str, existing: bool) -> None:
    source = make_source(tmp_path, kind, 300)
    disk = tmp_path / "disk"
    disk.mkdir()
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n{FULL_DISK}"
    command = [*NEW_NAMESPACE, sys.executable, "-c", program, source, disk, str(existing)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout == "as it was\n"


SLOW = """
import sys, time
from emorec.cli.main import run
import emorec.datasets.{module} as module
real = module.{function}
def slow(*arguments):
    print("now", flush=True)
    time.sleep(0.05)
    return real(*arguments)
module.{function} = slow
run()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
@pytest.mark.parametrize("existing", [False, True])
@pytest.mark.parametrize(
    ("kind", "module", "function"),
    [
        ("images", "image_writing", "check_readable"),
        ("pixels", "image_writing", "write_new_file"),
        ("pixels", "readers.pixels", "parse_pixels"),
        ("images", "duplicates", "decode_gray"),
    ],
)
def test_ctrl_c_leaves_the_folder_as_it_was(
    tmp_path: Path, kind: str, module: str, function: str, existing: bool
) -> None:
    source = make_source(tmp_path, kind, 700)
    dest = tmp_path / "FER-2013"
    if existing:
        prepare_data(make_checkout(tmp_path / "old"), dest)
    before = tree(tmp_path)
    program = SLOW.format(module=module, function=function)
    options = ["--overwrite", "--out", dest, *(["--check-leaks"] if module == "duplicates" else [])]
    process = subprocess.Popen(
        [sys.executable, "-c", program, "prepare-data", source, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().startswith("now")  # of two threads, perhaps
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert stderr == "interrupted\n"
    assert tree(tmp_path) == before
    assert dest.exists() == existing


@pytest.mark.skipif(sys.platform != "linux", reason="memory is counted in other units elsewhere")
def test_a_bomb_takes_little_memory(tmp_path: Path) -> None:
    bomb = tmp_path / "fer2013.csv.gz"
    with gzip.open(bomb, "wb", compresslevel=1) as file:
        file.write(b"emotion,pixels,Usage\n3,")
        for _ in range(64):
            file.write(b"1 " * 2**21)  # 256 MiB in all
    # ru_maxrss would count the memory of the process that started this one, too.
    program = (
        "import atexit, pathlib, re\n"
        "from emorec.cli.main import run\n"
        "status = pathlib.Path('/proc/self/status')\n"
        "atexit.register(lambda: print(re.search(r'VmHWM:\\s+(\\d+)', status.read_text())[1]))\n"
        "run()"
    )
    result = subprocess.run(
        [sys.executable, "-c", program, "prepare-data", bomb, "--out", tmp_path / "out"],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 4
    assert "row 2 is over 64 KiB long" in result.stderr
    assert int(result.stdout) < 200 * 1024
