"""The command `emorec evaluate`."""

from pathlib import Path

import click

from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.overwriting import refuse_overwriting, require_file_path, require_suffix
from emorec.cli.parameters import (
    Choice,
    complete_models,
    device_option,
    note_flip_without_effect,
    prior_option,
    refuse_device_of_keras,
)
from emorec.cli.verbosity import warn
from emorec.labels import POLICIES

_SUFFIXES = {"--report": (".html", ".htm"), "--plot": (".png",)}


@click.command(
    epilog="""\b
Examples:
  emorec evaluate runs/20260101-120000-compact --data FER-2013
  emorec evaluate model.onnx --data FER-2013 --prior balanced --json-file results.json
  emorec evaluate a.onnx b.onnx --data FER-2013 --report comparison.html
  emorec evaluate a.onnx b.onnx --data FER-2013 --data CKPLUS --data MYDATA
  emorec evaluate a.onnx --data MYDATA --map labels.yaml --group sex --group age
"""
)
@click.argument(
    "models",
    nargs=-1,
    required=True,
    metavar="MODEL...",
    shell_complete=complete_models,
    type=click.Path(readable=False, path_type=Path),
)
@click.option(
    "--data",
    "datasets",
    required=True,
    multiple=True,
    type=click.Path(readable=False, path_type=Path),
    help="A prepared data set, or a FER-2013 folder tree. Several, each after a --data, are "
    "evaluated on the classes that each has in common with the models.",
)
@click.option(
    "--map",
    "label_map",
    metavar="FILE",
    type=click.Path(readable=False, path_type=Path),
    help="YAML file for data with other labels than the models; each line is 'label of the data "
    "set: label of the model', such as 'smile: happy'. Labels that it lacks are matched by name; "
    "images of other classes are left out and counted.",
)
@click.option(
    "--split",
    type=Choice(["validation", "test", "train"]),
    default="validation",
    show_default=True,
    help="Split to evaluate on. Use the test split only once, at the end.",
)
@click.option(
    "--policy",
    type=Choice(POLICIES),
    help="Vote policy of the labels.  [default: majority, the FER+ protocol]",
)
@click.option(
    "--classes",
    type=Choice([7, 8]),
    help="Number of classes; 7 evaluates an eight-class model without contempt.  [default: what "
    "all models support]",
)
@prior_option
@click.option("--flip", is_flag=True, help="Average the logits of each image and its mirror image.")
@device_option
@click.option(
    "--group",
    "groups",
    metavar="COLUMN",
    multiple=True,
    help="Report metrics for each value of this manifest column, and the gaps between them; can be "
    "repeated.  [default: group, if it exists]",
)
@click.option(
    "--group-by",
    metavar="RULE",
    help="The rule of train --group-by. A folder tree without a validation folder then has the "
    "validation images of that run.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    help="Evaluate at most this number of images, spread over the split.",
)
@click.option(
    "--report",
    type=click.Path(readable=False, path_type=Path),
    help="Write an HTML page with all metrics, plots and the most confident mistakes.",
)
@click.option(
    "--plot",
    type=click.Path(readable=False, path_type=Path),
    help="Write the confusion matrix of a single model as a PNG file.",
)
@json_options
def evaluate(
    models: tuple[Path, ...],
    datasets: tuple[Path, ...],
    label_map: Path | None,
    split: str,
    policy: str | None,
    classes: int | None,
    prior: float | None,
    flip: bool,
    device: str,
    groups: tuple[str, ...],
    group_by: str | None,
    limit: int | None,
    report: Path | None,
    plot: Path | None,
    json_output: JsonOutput,
) -> None:
    """Evaluate each MODEL on a split of a data set, or of several.

    MODEL is a .onnx or .keras file, a run folder or its unique beginning, or a name of `emorec
    models list`. Several models are evaluated on the same images and compared by McNemar's exact
    test. Intervals are 95 % percentile intervals of 2,000 bootstrap samples, of images or, if the
    data set has any, of whole groups (people).
    """
    from emorec.atomic_files import write_bytes
    from emorec.cli.cross_data_text import cross_data_text
    from emorec.cli.evaluation_text import comparison_text, evaluation_text
    from emorec.cli.progress import image_progress
    from emorec.datasets.manifest import read_prepared
    from emorec.datasets.whole_photos import whole_photos_note
    from emorec.evaluation.comparison import pair_tests
    from emorec.evaluation.cross_data import CrossEvaluation
    from emorec.evaluation.evaluate import evaluate_data_sets
    from emorec.models.files import find_model

    paths = [find_model(model) for model in models]
    outputs = {"--report": report, "--plot": plot}
    written = {option: target for option, target in outputs.items() if target}
    for option, target in written.items():
        require_file_path(option, target)
    inputs = [*paths, *([label_map] if label_map else [])]
    refuse_overwriting(written.values(), inputs, "choose other names")
    for option, target in written.items():
        require_suffix(option, target, _SUFFIXES[option])
    json_output.check(
        files=[*written.values(), *inputs[len(paths) :]], models=paths, folders=datasets
    )
    across = len(datasets) > 1
    if plot and (len(paths) > 1 or across):
        raise click.UsageError(
            "--plot draws one model on one data set; pass one MODEL and one --data, or use --report"
        )
    matching: dict[str, str] | None = {} if across else None
    if label_map:
        from emorec.training.strict_yaml import read_label_map

        matching = read_label_map(label_map)
    prepared = [read_prepared(data, group_by) for data in datasets]
    if any(path.suffix == ".keras" for path in paths):
        refuse_device_of_keras()
        from emorec.cli.keras_backend import load_keras

        load_keras()
    for dataset in prepared:
        of_set = f"{dataset.root}: " if across else ""
        for note in dataset.notes:
            warn(of_set + note)
        if photos := whole_photos_note(dataset):
            warn(of_set + photos)
    if plot or report:
        import emorec.evaluation.plots  # noqa: F401 - a missing matplotlib ends the command here
    with image_progress("Evaluating") as progress:
        columns = evaluate_data_sets(
            paths,
            prepared,
            split,
            policy=policy,
            classes=classes,
            limit=limit,
            prior=prior,
            flip=flip,
            device=device,
            group=groups,
            label_map=matching,
            progress=progress,
        )
    found = columns[0]
    for entry in found:
        if flip and not entry.flip:
            note_flip_without_effect(entry.model)
    cross = CrossEvaluation(datasets, split, tuple(map(tuple, columns))) if across else None
    if plot:
        from emorec.evaluation.plots import draw_confusion_matrix

        write_bytes(plot, draw_confusion_matrix(found[0].scores))
    if report:
        from emorec.evaluation.cross_data_report import render_cross_data
        from emorec.evaluation.report import render

        name = datasets[0].resolve().name
        page = render_cross_data(cross) if cross else render(found, name, split)
        write_bytes(report, page.encode())
    where = {"data": str(datasets[0]), "split": split}
    if cross:
        figures = cross.to_dict()
    elif len(found) == 1:
        figures = {**where, **found[0].to_dict()}
    else:
        tests = [test.to_dict() for test in pair_tests(found)]
        figures = {**where, "models": [entry.to_dict() for entry in found], "mcnemar": tests}
    if not json_output.write(figures):
        if cross:
            click.echo(cross_data_text(cross))
        else:
            click.echo(evaluation_text(found[0]) if len(found) == 1 else comparison_text(found))
