import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from emorec.cli.main import main


def test_the_table_and_the_json_agree() -> None:
    words = ["architectures", "compact", "vgg13"]
    table = CliRunner().invoke(main, words)
    assert (table.exit_code, table.stderr) == (0, "")
    found = json.loads(CliRunner().invoke(main, [*words, "--json"]).stdout)
    assert [row["name"] for row in found] == ["compact", "vgg13"]
    for line, row in zip(table.stdout.splitlines()[1:], found, strict=True):
        name, parameters, _, operations, *_ = line.split()
        assert name == row["name"]
        assert float(parameters) == pytest.approx(row["parameters"] / 1e6, abs=0.01)
        assert float(operations) == pytest.approx(row["multiply_adds"] / 1e6, abs=0.1)


def test_an_unknown_name() -> None:
    done = CliRunner().invoke(main, ["architectures", "vgg61"])
    assert (done.exit_code, done.stdout) == (3, "")
    assert (
        "unknown architecture 'vgg61'; did you mean 'vgg16'? choose one of compact, " in done.stderr
    )


def test_keras_is_not_imported() -> None:
    code = (
        "import sys; from emorec.cli.main import main; main(['architectures'], "
        "standalone_mode=False); print({'keras', 'tensorflow', 'numpy', 'cv2'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"
    assert len(done.stdout.splitlines()) == 15, "a header, thirteen networks, and the line above"
