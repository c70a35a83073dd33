"""The whole run on a few drawn images; test_distillation.py runs it in a process of its own."""

from collections.abc import Callable
from pathlib import Path

import convert_student
import distill
import numpy as np
import pytest
import torch
import write_probabilities
from distillation import packing
from distillation.npz_arrays import read_arrays
from distillation.teachers import TEACHERS
from helpers.tiny_data import make_prepared

from emorec.errors import EmorecError, ModelError
from emorec.labels import EMOTIONS_7, EMOTIONS_8
from emorec.models.files import read_metadata

torch.set_num_threads(1)

Script = Callable[..., str]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Script:
    """A function that runs a script in this process and returns what it printed."""

    def run(*words: object, main: Callable[[], None] = distill.main) -> str:
        monkeypatch.setattr("sys.argv", ["script", *map(str, words)])
        main()
        return capsys.readouterr().out

    return run


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with a fifth of the packed data."""
    folder = tmp_path_factory.mktemp("work")
    counts = packing.pack(make_prepared(folder / "data"), folder / "data.npz")
    assert counts["training"] == counts["kept by crossentropy"] == 84
    assert counts["with FER-2013's own label"] == 0
    assert counts["validation"] == 42
    arrays = read_arrays(folder / "data.npz")
    fewer = {name: arrays[name] if name == "labels" else arrays[name][::5] for name in arrays}
    fewer["own"] = np.arange(len(fewer["names"])) % len(EMOTIONS_7)
    np.savez(folder / "data.npz", **fewer)
    return folder


def test_teachers_label_views_and_students_learn_them(work: Path, script: Script) -> None:
    short = ("--work", work, "--epochs", "0.5", "--batch", "4", "--device", "cpu")
    for name in TEACHERS:
        printed = script("teacher", name, "--random-weights", *short)
        assert f"{name}: 2 steps in " in printed
        assert (work / f"teacher.{name}.seed0.pt").is_file()
    out = work / "teacher_probabilities.npz"
    printed = script("label", "--work", work, "--views", 2, "--out", out)
    assert "mean of 4: PublicTest tau 0: " in printed
    assert "2 views in " in printed
    arrays = read_arrays(out)
    data = read_arrays(work / "data.npz")
    np.testing.assert_array_equal(arrays["names"], data["names"])
    assert arrays["labels"].tolist() == list(EMOTIONS_8)
    assert "fold" not in arrays
    for name in ("plain", "mean", "aux", "validation"):
        np.testing.assert_allclose(arrays[name].astype(float).sum(axis=1), 1, atol=0.01)
    views = read_arrays(work / "views.npz")
    np.testing.assert_array_equal(views["images"][0], data["images"])
    assert (views["images"][1] != views["images"][0]).any()
    np.testing.assert_array_equal(views["plain"], arrays["plain"])

    printed = script("student", "compact", work / "compact.npz", *short)
    assert "compact, image alone: PublicTest tau 0: " in printed
    assert "compact, image and mirror image: PublicTest tau 0: " in printed
    by_student = ("--student", work / "compact.npz", "--plain", out)
    script("label", "--work", work, "--views", 2, *by_student)
    np.testing.assert_array_equal(read_arrays(work / "views.npz")["plain"], arrays["plain"])
    script("student", "nano", work / "nano.npz", *short)
    words = (work / "nano.npz", "nano", work / "nano.keras")
    script(*words, main=convert_student.main)
    assert read_metadata(work / "nano.keras").architecture == "nano"
    script(out, work / "probabilities.csv.gz", main=write_probabilities.main)


def test_teachers_that_leave_out_a_fold_label_it(work: Path, script: Script) -> None:
    for fold in (0, 1):
        words = ("--work", work, "--epochs", "0.5", "--batch", "4", "--folds", 2)
        script("teacher", "vgg", "--fold", fold, *words)
    out = work / "held_out.npz"
    printed = script("label", "--work", work, "--views", 1, "--folds", 2, "--out", out)
    assert "mean of 2: PublicTest" in printed
    assert set(read_arrays(out)["fold"].tolist()) == {0, 1}
    with pytest.raises(ModelError, match=r"no teacher without fold 0 of 3; train one with"):
        script("label", "--work", work, "--views", 1, "--folds", 3, "--out", out)


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("teacher", "vggg", "--work", "w"), 3, "unknown teacher 'vggg'; known: vgg, se-resnet"),
        (("teacher", "lite0", "--work", "w"), 3, "lite0 needs --pretrained FOLDER, or --random"),
        (("teacher", "vgg", "--work", "w"), 4, "w/data.npz: cannot read: No such file"),
        (("teacher", "vgg", "--work", "w", "--fold", "1"), 3, "needs --folds, at least 2"),
        (("teacher", "vgg", "--work", "w", "--device", "tpu"), 3, "received tpu"),
        (("student", "tiny", "s.npz", "--work", "w"), 3, "unknown student 'tiny'; known: compact"),
        (("label", "--work", "w"), 3, "--out must name a file that ends in .npz; received None"),
        (("label", "--work", "w", "--student", "s.npz"), 3, "--student needs --plain"),
        (("pack", "no-data", "data.npz"), 4, "no-data: no such folder"),
        (("pack", "no-data", "data.npy"), 3, "must end in .npz; received data.npy"),
        (("pack", "d", "d.npz", "--fer2013", "f.csv"), 3, "--fer2013 and --ferplus are needed"),
    ],
)
def test_wrong_arguments_are_errors(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["distill.py", *words])
    with pytest.raises(EmorecError) as caught:
        distill.main()
    assert caught.value.exit_code == code
    assert message in str(caught.value)
