import re
import subprocess
import sys
from pathlib import Path
from typing import Self

import bench_train
import pytest
from _training_process import Work
from helpers.tiny_data import make_prepared

from emorec.training.config import TrainConfig

SCRIPT = Path(bench_train.__file__)

AVX2 = {"avx2"}
VNNI = {"avx2", "avx512_vnni"}

SECONDS = {None: 3.0, False: 2.0, True: 1.0}
"""Of an epoch of 60 images, by the setting of oneDNN."""


class FakeProcess:
    def __init__(self, work: Work, onednn: bool | None) -> None:
        self._onednn = onednn

    def seconds(self, pipeline: str) -> tuple[float, float]:
        return SECONDS[self._onednn], 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(
    ("flags", "arch", "precision", "expected"),
    [
        (AVX2, "compact", "float32", {"a": 60, "b": 60, "k": 30}),
        (AVX2, "mobilenetv3small", "float32", {"a": 30, "b": 60, "k": 30}),
        (VNNI, "mobilenetv3small", "float32", {"a": 60, "b": 60, "k": 60}),
        (VNNI, "compact", "bfloat16", {"a": 60, "b": 60, "k": 60}),
        (set(), "compact", "float32", {"a": 20, "b": 60, "k": 20}),
    ],
)
def test_each_pipeline_has_its_setting_of_onednn(
    flags: set[str],
    arch: str,
    precision: str,
    expected: dict[str, float],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(bench_train, "TrainingProcess", FakeProcess)
    # Not the measured choice, which may change.
    chosen = bench_train.default_onednn(flags)
    if chosen is False:
        chosen = arch == "compact"
    monkeypatch.setattr(bench_train, "chosen_onednn", lambda *_: chosen)
    config = TrainConfig.model_validate({"arch": arch, "precision": precision})
    rates = bench_train.rates_of("abk", config, Work(arch, 48, 60), 2, flags)
    assert rates == {name: [rate, rate] for name, rate in expected.items()}
    slow = "(b) without oneDNN" in capsys.readouterr().out
    assert slow == (precision == "float32"), "bfloat16 is fast with oneDNN alone"


@pytest.mark.parametrize(
    ("flags", "arch", "line"),
    [
        (AVX2, "compact", "(a)/(k) 1.50, target 1.60: MISSED"),
        (VNNI, "compact", "(a)/(k) 1.50, target 1.00: met"),
        (AVX2, "vgg16", "(a)/(k) 1.50, target 1.00: met"),
    ],
)
def test_the_ratio_to_keras_as_it_comes(
    flags: set[str], arch: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bench_train.print_ratios({"a": [1, 3, 90], "k": [2, 1, 3]}, arch, flags)
    assert capsys.readouterr().out.strip() == line


@pytest.mark.long
def test_a_real_comparison(tmp_path: Path) -> None:
    data = str(make_prepared(tmp_path / "data"))
    words = ["--only", "networks", "--names", "mobilenetv3small", "--avx2", "--runs", "1"]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), data, *words], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("mobilenetv3small at 96, 64 images, batches of 64, float32, load ")
    rates = [float(re.split(r" +", line)[4]) for line in lines[1:3]]
    assert min(rates) > 0
    # The rates are printed rounded.
    ratio = float(lines[3].split("(a)/(k) ")[1].split(",")[0])
    assert ratio == pytest.approx(rates[0] / rates[1], rel=0.1)
    words[3] = "compact"
    done = subprocess.run(
        [sys.executable, str(SCRIPT), data, *words], capture_output=True, text=True
    )
    assert done.stderr == "compact needs 128 images or more; received 84\n"
