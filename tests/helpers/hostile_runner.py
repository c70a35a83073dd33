"""Program that runs a command on each file of a folder, each in a process, and prints the outcomes.

The heavy modules are imported once; a process for each file is forked from that.
"""

import importlib
import json
import os
import resource
import signal
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from emorec.cli.main import run
from helpers.checkouts import make_images

PHOTO = str(Path(__file__).resolve().parents[2] / "examples" / "astronaut.jpg")
DETECT = ("detect", PHOTO, "--no-save")
ADOPT = ("models", "adopt", "--label-names", "a,b,c,d,e,f,g,h", "--output-name", "logits")
COMMANDS = {
    "onnx": (*DETECT, "--detector", "none", "--model"),
    "foreign": (*ADOPT, "--out-file", "adopted.onnx"),
    "detector": (*DETECT, "--detector", "yunet", "--detector-model"),
    "cascade": (*DETECT, "--detector", "haar", "--cascade"),
    "keras": ("export", "--data", "DATA", "--out-file", "out.onnx"),
    "yaml": ("train", "--data", ".", "--config"),
}
IMPORTS = {
    "foreign": ("emorec.export.adopt",),
    "keras": ("emorec.export.onnx", "emorec.modeling.keras_files"),
    "yaml": ("emorec.training.config",),
}
DETECTION = ("emorec.batch.process_images", "emorec.inference.recognizer", "emorec.detection.yunet")

SPLITS, CLASSES = ("train", "val", "test"), ("happy", "sad")

SECONDS = 100
MORE_MEMORY = 6 * 2**30


def outcome(arguments: list[str]) -> dict[str, object]:
    """Run the command line in a forked process."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        pages, resident = map(int, Path("/proc/self/statm").read_text().split()[:2])
        os.write(write, f"{resident * resource.getpagesize()}\n".encode())
        os.dup2(write, 2)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        # A net below the checks: the machine must survive a failing test.
        limit = pages * resource.getpagesize() + MORE_MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        signal.alarm(SECONDS)
        try:
            run(arguments)
        except SystemExit as done:
            os._exit(done.code if isinstance(done.code, int) else 0)
        except BaseException:
            os._exit(99)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        before, _, text = pipe.read().decode("utf-8", "replace").partition("\n")
    _, status, usage = os.wait4(child, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "stderr": text,
        "seconds": usage.ru_utime + usage.ru_stime,
        "bytes": usage.ru_maxrss * 1024 - int(before),
    }


def main(kind: str, folder: Path) -> None:
    """Print the outcome of each file, by name, as JSON."""
    for name in IMPORTS.get(kind, DETECTION):
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as data:
        # A command checks its data before it loads a model.
        make_images(Path(data), {f"{split}/{name}": 2 for split in SPLITS for name in CLASSES})
        command = [data if word == "DATA" else word for word in COMMANDS[kind]]
        print(json.dumps({p.stem: outcome([*command, str(p)]) for p in sorted(folder.iterdir())}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
