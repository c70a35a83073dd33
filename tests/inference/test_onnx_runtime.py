import os
import subprocess
import sys
from pathlib import Path

import pytest

USE = (
    "import os\n"
    "from emorec import resources\n"
    "from emorec.inference.classifier import EmotionClassifier\n"
    "EmotionClassifier(resources.shipped_model())\n"
    "print(os.environ['ORT_DISABLE_TELEMETRY'])\n"
)


def use(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"}
    environment |= {"HOME": str(home), **variables}
    return subprocess.run(
        [sys.executable, "-c", USE], env=environment, capture_output=True, text=True, check=True
    )


def test_nothing_is_written_to_the_home_folder(tmp_path: Path):
    done = use(tmp_path)
    assert (done.stdout, done.stderr) == ("1\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("home", ["/dev/null", "/proc"])
def test_a_home_folder_that_cannot_be_written_gets_no_warning(home):
    assert use(Path(home)).stderr == ""


def test_the_choice_of_the_user_stays(tmp_path: Path):
    assert use(tmp_path, ORT_DISABLE_TELEMETRY="0").stdout == "0\n"
