"""The command `emorec evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.overwriting import refuse_no_file, refuse_overwriting
from emorec.cli.parameters import prior_option
from emorec.cli.terminal_text import one_line
from emorec.labels import POLICIES

if TYPE_CHECKING:
    from emorec.evaluation.assessment import Evaluation


@click.command(
    epilog="""\b
Examples:
  emorec evaluate runs/20260101-120000-compact --data FER-2013
  emorec evaluate model.onnx --data FER-2013 --prior balanced --json results.json
  emorec evaluate a.onnx b.onnx --data FER-2013 --report comparison.html
"""
)
@click.argument(
    "models", nargs=-1, required=True, metavar="MODEL...", type=click.Path(path_type=Path)
)
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="A prepared data set, or a FER-2013 folder tree.",
)
@click.option(
    "--split",
    type=click.Choice(["validation", "test", "train"]),
    default="validation",
    show_default=True,
    help="Keep the test split for the very end.",
)
@click.option(
    "--policy",
    type=click.Choice(POLICIES),
    help="Vote policy of the labels.  [default: majority, as the FER+ protocol scores]",
)
@click.option(
    "--classes",
    type=click.Choice([7, 8]),
    help="7 scores an eight-class model without contempt.  [default: what all models know]",
)
@prior_option
@click.option("--flip", is_flag=True, help="Average the logits of each image and its mirror image.")
@click.option(
    "--group",
    metavar="COLUMN",
    help="Tell the values of this column of the manifest apart.  [default: group, if it is there]",
)
@click.option("--limit", type=click.IntRange(min=1), help="Score that many images only.")
@click.option("--json", "json_target", metavar="FILE|-", help="Write the figures as JSON.")
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    help="Write one HTML page with all figures, pictures and the most confident mistakes.",
)
@click.option(
    "--plot",
    type=click.Path(path_type=Path),
    help="Draw the confusion matrix of a single model into this PNG file.",
)
def evaluate(
    models: tuple[Path, ...],
    data: Path,
    split: str,
    policy: str | None,
    classes: int | None,
    prior: float | None,
    flip: bool,
    group: str | None,
    limit: int | None,
    json_target: str | None,
    report: Path | None,
    plot: Path | None,
) -> None:
    """Score each MODEL (.onnx, .keras or a run folder) on a split of a data set.

    Several models are scored on the same images and compared: McNemar's exact test tells whether
    one of two is more often right than chance would have it. Intervals hold 95 % of 2,000
    bootstrap samples.
    """
    from emorec.atomic_files import write_bytes, write_json
    from emorec.cli.progress import image_progress
    from emorec.datasets.manifest import read_prepared
    from emorec.evaluation.comparison import pair_tests
    from emorec.evaluation.evaluate import evaluate as run
    from emorec.evaluation.evaluate import model_file

    paths = [model_file(model) for model in models]
    json_file = None if json_target in (None, "-") else Path(str(json_target))
    outputs = {"--json": json_file, "--report": report, "--plot": plot}
    given = {option: target for option, target in outputs.items() if target}
    for option, target in given.items():
        refuse_no_file(option, target)
    refuse_overwriting(given.values(), paths, "choose other names")
    if plot and len(paths) > 1:
        raise click.UsageError("--plot draws one model; give one, or use --report")
    if any(path.suffix == ".keras" for path in paths):
        from emorec.cli.keras_backend import load_keras

        load_keras()
    prepared = read_prepared(data)
    with image_progress("Scoring") as progress:
        found = run(paths, prepared, split, policy, classes, limit, prior, flip, group, progress)
    if plot:
        from emorec.evaluation.plots import draw_confusion_matrix

        write_bytes(plot, draw_confusion_matrix(found[0].scores))
    if report:
        from emorec.evaluation.report import render

        write_bytes(report, render(found, data.resolve().name, split).encode())
    where = {"data": str(data), "split": split}
    if len(found) == 1:
        figures = {**where, **found[0].to_dict()}
    else:
        tests = [test.to_dict() for test in pair_tests(found)]
        figures = {**where, "models": [entry.to_dict() for entry in found], "mcnemar": tests}
    if json_target == "-":
        click.echo(json.dumps(figures, indent=2))
        return
    if json_file:
        write_json(json_file, figures)
    click.echo(_as_text(found[0]) if len(found) == 1 else _side_by_side(found))


_CONFIDENCES = (0.0, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Steps of the coverage curve that the text shows; the JSON has all."""


def _between(interval: tuple[float, float]) -> str:
    return f"95 %: {interval[0]:.4f} to {interval[1]:.4f}"


def _as_text(result: "Evaluation") -> str:
    scores = result.scores
    labels = [one_line(entry.label) for entry in scores.per_class]
    width = max(map(len, labels)) + 2
    two_fold = f"{result.two_fold.calibration_error:.4f}" if result.two_fold else "-"
    lines = [
        f"{one_line(f'{result.metadata.name} {result.metadata.version}')} on "
        f"{scores.images} images",
        "",
        f"accuracy           {scores.accuracy:.4f}  {_between(scores.accuracy_interval)}",
        f"top-2 accuracy     {scores.top2_accuracy:.4f}",
        f"loss               {scores.loss:.4f}",
        f"macro F1           {scores.macro_f1:.4f}  {_between(scores.macro_f1_interval)}",
        f"balanced accuracy  {scores.balanced_accuracy:.4f}  "
        f"{_between(scores.balanced_accuracy_interval)}",
        f"calibration error  {scores.calibration_error:.4f}  "
        f"temperature fitted on the other half: {two_fold}",
    ]
    if result.votes:
        lines.append(f"divergence         {result.votes.divergence:.4f}  from the votes, in nats")
    lines += ["", f"{'':{width}}precision   recall       F1  ROC AUC   images"]
    lines += [
        f"{label:{width}}{e.precision:9.4f}{e.recall:9.4f}{e.f1:9.4f}"
        f"{'        -' if e.roc_auc is None else format(e.roc_auc, '9.4f')}{e.images:9d}"
        for label, e in zip(labels, scores.per_class, strict=True)
    ]
    lines += ["", "confusion matrix (rows: label, columns: predicted)"]
    lines.append(" " * width + "".join(f"{label:>9.9}" for label in labels))
    rows: Any = zip(labels, scores.confusion_matrix, strict=True)
    lines += [f"{label:{width}}" + "".join(f"{n:9d}" for n in row) for label, row in rows]
    if result.priors:
        lines += ["", "prior taken out  accuracy  balanced accuracy"]
        lines += [
            f"{entry.tau:<17g}{entry.accuracy:.4f}    {entry.balanced_accuracy:.4f}"
            f"{'  <- these figures' if entry.tau == result.tau else ''}"
            for entry in result.priors
        ]
    lines += ["", "least confidence  images  accuracy of those; the others are uncertain"]
    lines += [
        f"{point.min_confidence:<18.2f}{point.coverage:<8.4f}{point.accuracy:.4f}"
        for point in result.coverage
        if point.min_confidence in _CONFIDENCES and point.accuracy is not None
    ]
    if result.votes:
        lines += ["", "agreement of the voters  accuracy  images"]
        lines += [
            f"{_bin_name(entry.lowest, entry.below):25}{entry.accuracy:.4f}{entry.images:10d}"
            for entry in result.votes.bins
        ]
    if result.groups:
        size = max(len("group"), *(len(one_line(e.group)) for e in result.groups)) + 2
        lines += ["", f"{'group':{size}}accuracy  balanced  images"]
        lines += [
            f"{one_line(e.group):{size}}{e.accuracy:8.4f}{e.balanced_accuracy:10.4f}{e.images:8d}"
            f"  {_between(e.accuracy_interval)}"
            for e in result.groups
        ]
    return "\n".join(lines)


def _bin_name(lowest: float, below: float | None) -> str:
    if below is None:
        return "all agree"
    return f"{lowest:.0%} to below {below:.0%}"


def _side_by_side(found: list["Evaluation"]) -> str:
    from emorec.evaluation.comparison import pair_tests, titles

    names = [one_line(title) for title in titles(found)]
    width = max(len("model"), *map(len, names)) + 2
    lines = [
        f"{len(found)} models on {found[0].scores.images} images",
        "",
        f"{'model':{width}}accuracy    95 %             balanced  macro F1   top-2  calibration",
    ]
    for name, entry in zip(names, found, strict=True):
        scores = entry.scores
        low, high = scores.accuracy_interval
        lines.append(
            f"{name:{width}}{scores.accuracy:8.4f}{low:8.4f} to {high:.4f}"
            f"{scores.balanced_accuracy:12.4f}{scores.macro_f1:10.4f}{scores.top2_accuracy:8.4f}"
            f"{scores.calibration_error:13.4f}"
        )
    labels = [one_line(entry.label) for entry in found[0].scores.per_class]
    lines += ["", "recall by class", " " * width + "".join(f"{label:>10.9}" for label in labels)]
    for name, entry in zip(names, found, strict=True):
        recalls = "".join(f"{part.recall:10.4f}" for part in entry.scores.per_class)
        lines.append(f"{name:{width}}{recalls}")
    lines += ["", "McNemar's test: images that only one of the two gets right"]
    for test in pair_tests(found):
        result = test.result
        lines.append(
            f"{names[test.first]}: {result.only_first}, {names[test.second]}: "
            f"{result.only_second}, p = {result.p_value:.3g}"
        )
    return "\n".join(lines)
