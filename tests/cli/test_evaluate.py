"""The command on ONNX files; what needs Keras is in test_train_evaluate_export.py."""

import json
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from click.testing import CliRunner, Result
from helpers.metadata_example import METADATA
from helpers.onnx_models import write_symmetric_model, write_tiny_model
from helpers.tiny_data import make_prepared

from emorec.cli.main import main
from emorec.labels import EMOTIONS_7


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    shares = (0.4, 0.2, 0.1, 0.1, 0.1, 0.06, 0.04)
    known = METADATA.replaced(prior=shares)
    return [write_tiny_model(tmp_path / f"m{seed}.onnx", known, seed) for seed in range(3)]


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["evaluate", *map(str, words)])


def test_one_model(models: list[Path], tiny_data: Path, tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    done = run(models[0], "--data", tiny_data, "--json-file", target, "--group", "usage")
    assert done.exit_code == 0, done.output
    figures = json.loads(target.read_text())
    assert figures["device"] == "cpu"
    low, high = figures["accuracy_interval"]
    assert f"{figures['accuracy']:.4f}  95 %: {low:.4f} to {high:.4f}" in done.stdout
    assert f"{figures['per_class'][2]['roc_auc']:.4f}" in done.stdout
    assert "0                 0." in done.stdout  # strength of the logit adjustment
    assert "80% to below 90%" in done.stdout
    assert "PublicTest" in done.stdout
    printed = run(models[0], "--data", tiny_data, "--json", "--group", "usage")
    assert json.loads(printed.stdout) == figures


def test_the_prior_and_mirror_images_reach_the_figures(models: list[Path], tiny_data: Path) -> None:
    words = [models[0], "--data", tiny_data, "--json"]
    plain, balanced, flipped = (
        json.loads(run(*words, *more).stdout) for more in ((), ("--prior", "balanced"), ("--flip",))
    )
    assert (plain["tau"], balanced["tau"], flipped["flip"]) == (0, 1, True)
    assert plain["loss"] != balanced["loss"]
    assert plain["loss"] != flipped["loss"]
    by_tau = {entry["tau"]: entry["accuracy"] for entry in plain["priors"]}
    assert by_tau[1] == balanced["accuracy"]


def test_the_text_shows_accuracy_by_minimum_confidence(models: list[Path], tiny_data: Path) -> None:
    lines = run(models[0], "--data", tiny_data).stdout.splitlines()
    figures = json.loads(run(models[0], "--data", tiny_data, "--json").stdout)
    header = "minimum confidence  coverage  accuracy of the images at or above it"
    begin = lines.index(header) + 1
    first, *more = (line.split() for line in lines[begin : lines.index("", begin)])
    assert first == ["0.00", "1.0000", f"{figures['accuracy']:.4f}"]
    points = {point["min_confidence"]: point for point in figures["coverage"]}
    for threshold, coverage, accuracy in more:
        point = points[float(threshold)]
        assert coverage == f"{point['coverage']:.4f}"
        assert accuracy == f"{point['accuracy']:.4f}"


def test_several_models(models: list[Path], tiny_data: Path, tmp_path: Path) -> None:
    target = tmp_path / "figures.json"
    done = run(*models, "--data", tiny_data, "--json-file", target)
    assert done.exit_code == 0, done.output
    figures = json.loads(target.read_text())
    assert [Path(entry["model"]) for entry in figures["models"]] == models
    assert len(figures["mcnemar"]) == 3
    lines = done.stdout.splitlines()
    assert lines[0] == "3 models on 42 images"
    for path, entry in zip(models, figures["models"], strict=True):
        (row,) = (line for line in lines if line.startswith(f"{path.name}  ") and " to " in line)
        assert row.split()[1] == f"{entry['accuracy']:.4f}"
    test = figures["mcnemar"][0]
    expected = (
        f"m0.onnx: {test['only_first']}, m1.onnx: {test['only_second']}, p = {test['p_value']:.3g}"
    )
    assert expected in lines


def test_plot_and_report(models: list[Path], tiny_data: Path, tmp_path: Path) -> None:
    page, plot = tmp_path / "page.html", tmp_path / "matrix.png"
    done = run(models[0], "--data", tiny_data, "--report", page, "--plot", plot)
    assert done.exit_code == 0, done.output
    assert f"42 images of the validation split of {tiny_data.name}" in page.read_text("utf-8")
    assert cv2.imread(str(plot)).std() > 5
    assert run(*models, "--data", tiny_data, "--report", page).exit_code == 0
    assert "Comparison of 3 models" in page.read_text("utf-8")


@pytest.mark.slow
def test_several_data_sets(models: list[Path], tiny_data: Path, tmp_path: Path) -> None:
    other = make_prepared(tmp_path / "other", votes=False)
    target, page = tmp_path / "figures.json", tmp_path / "page.html"
    words = [*models[:2], "--data", tiny_data, "--data", other, "--split", "test", "--limit", "14"]
    done = run(*words, "--json-file", target, "--report", page)
    assert done.exit_code == 0, done.output
    figures = json.loads(target.read_text())
    assert [entry["data"] for entry in figures["datasets"]] == [str(tiny_data), str(other)]
    accuracy = figures["datasets"][1]["models"][1]["accuracy"]
    assert done.stdout.startswith("2 models on 2 data sets, test split")
    row = next(line for line in done.stdout.splitlines() if line.startswith("m1.onnx"))
    assert row.split()[5] == f"{accuracy:.4f}"
    assert "Evaluation on 2 data sets" in page.read_text("utf-8")
    assert json.loads(run(*words, "--json").stdout) == figures
    refused = run(models[0], *words[2:], "--plot", tmp_path / "x.png")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "one MODEL and one --data" in refused.stderr


def test_labels_of_other_names(models: list[Path], tmp_path: Path) -> None:
    root = make_prepared(tmp_path / "other", votes=False)
    for split in ("train", "test"):
        (root / split / "happy").rename(root / split / "smile")
        (root / split / "sad").rename(root / split / "bored")
    labels = tmp_path / "labels.yaml"
    labels.write_text("smile: happy\n")
    words = [models[0], "--data", root, "--split", "test"]
    assert run(*words).exit_code == 3
    done = run(*words, "--map", labels)
    assert done.exit_code == 0, done.output
    assert "Labels of the data set count as classes of the model: smile as happy." in done.stdout
    assert "10 images of the split are left out" in done.stdout
    figures = json.loads(run(*words, "--map", labels, "--json").stdout)
    assert figures["label_matching"]["left_out"] == {"bored": 10}
    assert [entry["label"] for entry in figures["per_class"]][3] == "neutral"
    several = run(*models[:2], *words[1:], "--map", labels)
    assert "classes of m1.onnx" in several.stdout
    for text, message in (
        ("smil: happy", "unknown label of the data set 'smil'; did you mean 'smile'"),
        ("smile: hapy", "unknown label of the models 'hapy'; did you mean 'happy'"),
        ("", "received nothing"),
    ):
        labels.write_text(text)
        refused = run(*words, "--map", labels)
        assert (refused.exit_code, refused.stdout) == (3, "")
        assert message in refused.stderr
    refused = run(*words, "--map", labels, "--json-file", labels)
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_several_columns_of_groups(models: list[Path], tiny_data: Path) -> None:
    words = [models[0], "--data", tiny_data, "--group", "usage", "--group", "label"]
    figures = json.loads(run(*words, "--json").stdout)
    assert {entry["column"] for entry in figures["groups"]} == {"usage", "label"}
    assert [entry["column"] for entry in figures["group_gaps"]] == ["usage", "label"]
    text = run(models[0], models[1], *words[1:]).stdout
    assert "m1.onnx: groups by label: fewer than two groups can be compared" in text


@pytest.mark.parametrize("option", ["--json-file", "--report", "--plot"])
@pytest.mark.parametrize("place", ["no/x.png", "."])
def test_an_output_that_cannot_be_a_file(
    models: list[Path], tiny_data: Path, tmp_path: Path, option: str, place: str
) -> None:
    done = run(models[0], "--data", tiny_data, option, tmp_path / place)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{option}: {tmp_path / place} cannot be a file" in done.stderr


@pytest.mark.parametrize(
    ("option", "name", "better"),
    [
        ("--json-file", "a.csv", "a.json"),
        ("--report", "a.pdf", "a.html"),
        ("--plot", "a.jpg", "a.png"),
    ],
)
def test_the_suffix_of_another_format_is_refused(
    models: list[Path], tiny_data: Path, tmp_path: Path, option: str, name: str, better: str
) -> None:
    done = run(models[0], "--data", tiny_data, option, tmp_path / name)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"name it {better}" in done.stderr


def test_no_output_may_be_an_input_or_another_output(
    models: list[Path], tiny_data: Path, tmp_path: Path
) -> None:
    before = models[0].read_bytes()
    link = tmp_path / "link.onnx"
    link.symlink_to(models[0])
    for words in (
        ("--json-file", models[0]),
        ("--plot", link),
        ("--json-file", tmp_path / "x", "--plot", tmp_path / "x"),
        ("--report", models[0]),
        ("--report", tmp_path / "x", "--json-file", tmp_path / "x"),
    ):
        done = run(models[0], "--data", tiny_data, *words)
        assert (done.exit_code, done.stdout) == (2, "")
        assert "would be written over" in done.stderr
    assert models[0].read_bytes() == before
    assert run(*models, "--data", tiny_data, "--plot", tmp_path / "x.png").exit_code == 2


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--prior", "even"], 2, "natural, balanced or a number"),
        (["--classes", "8"], 3, "but the data has"),
        (["--group", "age"], 4, "no column 'age'"),
        (["--limit", "0"], 2, "--limit"),
    ],
)
def test_refused_options(
    models: list[Path], tiny_data: Path, words: list[str], code: int, says: str
) -> None:
    done = run(models[0], "--data", tiny_data, *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert says in done.stderr


def test_names_cannot_control_the_terminal(tiny_data: Path, tmp_path: Path) -> None:
    metadata = METADATA.replaced(name="\x1b[2J", version="\x07")
    models = [write_tiny_model(tmp_path / f"{n}.onnx", metadata) for n in "ab"]
    assert "\x1b" not in run(models[0], "--data", tiny_data).stdout
    assert "\x1b" not in run(*models, "--data", tiny_data).stdout


def test_onnx_files_need_neither_keras_nor_matplotlib(models: list[Path], tiny_data: Path) -> None:
    words = ["evaluate", *map(str, models), "--data", str(tiny_data)]
    code = (
        "import sys\n"
        "from emorec.cli.main import main\n"
        f"main({words!r}, standalone_mode=False)\n"
        "print(sorted({'keras', 'tensorflow', 'matplotlib', 'pandas'} & sys.modules.keys()))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_own_validation_folder_is_evaluated(models: list[Path], tmp_path: Path) -> None:
    root = tmp_path / "raw"
    make_prepared(root, votes=False)
    for emotion in EMOTIONS_7:
        image = next((root / "test" / emotion).iterdir())
        (root / "valid" / emotion).mkdir(parents=True)
        image.rename(root / "valid" / emotion / image.name)
    (root / "valid/happy/notes.txt").touch()
    done = run(models[0], "--data", root, "--json")
    assert (done.exit_code, done.stderr) == (0, "warning: left out: 1 .txt\n")
    assert json.loads(done.stdout)["images"] == 7


def test_the_device(models: list[Path], tiny_data: Path) -> None:
    words = [models[0], "--data", tiny_data, "--json"]
    assert run(*words, "--device", "cpu").stdout == run(*words).stdout
    refused = run(*words, "--device", "cuda")
    assert (refused.exit_code, refused.stdout) == (6, "")
    assert "pip install 'onnxruntime-gpu" in refused.stderr


def test_the_device_of_a_keras_file_is_not_chosen_here(
    tmp_path: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m.keras").write_text("no model")
    words = [tmp_path / "m.keras", "--data", tiny_data]
    refused = run(*words, "--device", "cpu")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--device is for .onnx files" in refused.stderr
    monkeypatch.setenv("EMOREC_DEVICE", "cuda")
    assert "not a .keras file" in run(*words).stderr


def test_flip_of_a_model_that_averages_itself_is_noted(tmp_path: Path, tiny_data: Path) -> None:
    model = write_symmetric_model(tmp_path / "even.onnx", METADATA)
    words = [model, "--data", tiny_data, "--json"]
    plain, flipped = run(*words), run(*words, "--flip")
    assert plain.exit_code == 0, plain.output
    assert flipped.stdout == plain.stdout
    assert "even.onnx averages over mirror images itself" in flipped.stderr
