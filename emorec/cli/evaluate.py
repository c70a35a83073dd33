"""The command `emorec evaluate`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.labels import POLICIES

if TYPE_CHECKING:
    from emorec.evaluation.evaluate import Evaluation


@click.command(
    epilog="""\b
Examples:
  emorec evaluate runs/20260101-120000-compact --data FER-2013
  emorec evaluate model.onnx --data FER-2013 --split test --json results.json
"""
)
@click.argument("model", type=click.Path(path_type=Path))
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
    help="7 scores an eight-class model without contempt.  [default: the model's]",
)
@click.option("--limit", type=click.IntRange(min=1), help="Score that many images only.")
@click.option("--json", "json_target", metavar="FILE|-", help="Write the figures as JSON.")
@click.option(
    "--plot", type=click.Path(path_type=Path), help="Draw the confusion matrix into this PNG file."
)
def evaluate(
    model: Path,
    data: Path,
    split: str,
    policy: str | None,
    classes: int | None,
    limit: int | None,
    json_target: str | None,
    plot: Path | None,
) -> None:
    """Score MODEL (.onnx, .keras or a run folder) on a split of a data set."""
    from emorec.datasets.manifest import read_prepared
    from emorec.evaluation.evaluate import evaluate as run
    from emorec.evaluation.evaluate import model_file

    path = model_file(model)
    if path.suffix == ".keras":
        from emorec.cli._keras import load_keras

        load_keras()
    result = run(path, read_prepared(data), split, policy, classes, limit)
    if plot:
        from emorec.evaluation.plots import draw_confusion_matrix

        draw_confusion_matrix(result.scores, plot)
    figures = {
        "model": str(path),
        "name": result.metadata.name,
        "version": result.metadata.version,
        "data": str(data),
        "split": split,
        **result.scores.to_dict(),
    }
    if json_target == "-":
        click.echo(json.dumps(figures, indent=2))
        return
    if json_target:
        from emorec.files import write_json

        write_json(Path(json_target), figures)
    click.echo(_as_text(result))


def _as_text(result: "Evaluation") -> str:
    scores = result.scores
    width = max(len(entry.label) for entry in scores.per_class) + 2
    lines = [
        f"{result.metadata.name} {result.metadata.version} on {scores.images} images",
        "",
        f"accuracy           {scores.accuracy:.4f}",
        f"loss               {scores.loss:.4f}",
        f"macro F1           {scores.macro_f1:.4f}",
        f"balanced accuracy  {scores.balanced_accuracy:.4f}",
        f"calibration error  {scores.calibration_error:.4f}",
        "",
        f"{'':{width}}precision   recall       F1   images",
    ]
    lines += [
        f"{e.label:{width}}{e.precision:9.4f}{e.recall:9.4f}{e.f1:9.4f}{e.images:9d}"
        for e in scores.per_class
    ]
    lines += ["", "confusion matrix (rows: label, columns: predicted)"]
    lines.append(" " * width + "".join(f"{e.label:>9.9}" for e in scores.per_class))
    rows: Any = zip(scores.per_class, scores.confusion_matrix, strict=True)
    lines += [f"{e.label:{width}}" + "".join(f"{n:9d}" for n in row) for e, row in rows]
    return "\n".join(lines)
