import logging
from pathlib import Path

import numpy as np
import pytest

from emorec.datasets.manifest import read_prepared
from emorec.errors import DataError
from emorec.training.distillation import distilled_targets
from emorec.training.teacher_probabilities import read_teacher_probabilities

LABELS = ("happy", "sad")
IMAGES = [Path("a/1.png"), Path("b/2.png"), Path("b/3.png")]


def write(folder: Path, *lines: str) -> Path:
    path = folder / "probabilities.csv"
    path.write_text("\n".join(["image,sad,happy", *lines]) + "\n")
    return path


def test_rows_are_found_by_file_name_and_columns_by_label(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path, "3.png,0.25,0.75", "other.png,1,0", "1.png,0.899,0.1")
    with caplog.at_level(logging.WARNING):
        found, known = read_teacher_probabilities(path, IMAGES, LABELS)
    np.testing.assert_allclose(found, [[0.1 / 0.999, 0.899 / 0.999], [0, 0], [0.75, 0.25]])
    assert found.dtype == np.float32
    assert known.tolist() == [True, False, True]
    assert "1 of 3 training images have no row" in caplog.text


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "no row names an image of the data set, such as '1.png'"),
        (["9.png,0,1"], "no row names an image of the data set, such as '1.png'"),
        (["1.png,0,1", "1.png,1,0"], "row 3 repeats the image '1.png'"),
        (["1.png,x,1"], "row 2, column 'sad': a probability is from 0 to 1; received 'x'"),
        (["1.png,0,nan"], "row 2, column 'happy': a probability is from 0 to 1; received 'nan'"),
        (["1.png,-1,2"], "column 'happy': a probability is from 0 to 1; received '2'"),
        (["1.png,0.5,0.4"], "row 2: the probabilities sum to 0.900, not to 1"),
        (["1.png,0.5"], "row 2 has 2 values"),
    ],
)
def test_a_wrong_file_is_an_error_that_names_the_row(
    tmp_path: Path, lines: list[str], message: str
) -> None:
    with pytest.raises(DataError, match=r"probabilities\.csv") as caught:
        read_teacher_probabilities(write(tmp_path, *lines), IMAGES, LABELS)
    assert message in str(caught.value)


def test_labels_must_be_those_of_the_run(tmp_path: Path) -> None:
    path = write(tmp_path, "1.png,0,1")
    with pytest.raises(DataError, match="missing column 'fear'"):
        read_teacher_probabilities(path, IMAGES, ("happy", "sad", "fear"))
    with pytest.raises(DataError, match="the column 'sad' is no label of this run"):
        read_teacher_probabilities(path, IMAGES, ("happy",))
    with pytest.raises(DataError, match=r"no-file\.csv: cannot read"):
        read_teacher_probabilities(tmp_path / "no-file.csv", IMAGES, LABELS)


def test_a_file_counts_as_one_teacher(tiny_run: Path, tiny_data: Path, tmp_path: Path) -> None:
    examples = read_prepared(tiny_data).examples("train", soft=True).limited(6)
    generator = np.random.default_rng(0)
    answers = generator.dirichlet(np.ones(7), len(examples.paths) - 1)
    path = tmp_path / "probabilities.csv"
    rows = [",".join(["image", *examples.class_names])]
    for image, answer in zip(examples.paths, answers, strict=False):
        rows.append(",".join([image.name, *map(repr, answer.tolist())]))
    path.write_text("\n".join(rows))

    alone = distilled_targets(examples, [], 0.25, probabilities=path)
    expected = 0.75 * examples.targets[:-1] + 0.25 * answers
    np.testing.assert_allclose(alone[:-1], expected, atol=1e-6)
    # The last image has no row.
    np.testing.assert_array_equal(alone[-1], examples.targets[-1])

    teacher = [tiny_run / "model.onnx"]
    model_alone = distilled_targets(examples, teacher, 1.0)
    both = distilled_targets(examples, teacher, 1.0, probabilities=path)
    np.testing.assert_allclose(both[:-1], (model_alone[:-1] + answers) / 2, atol=1e-6)
    np.testing.assert_allclose(both[-1], model_alone[-1], atol=1e-6)
