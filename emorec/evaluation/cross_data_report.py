"""The report of models on several data sets as one self-contained HTML page."""

import html

from emorec import __version__
from emorec.evaluation import plots
from emorec.evaluation.cross_data import CELL_METRICS, CrossEvaluation
from emorec.evaluation.metrics import intervals_text
from emorec.evaluation.report import comparison_sections, model_sections
from emorec.pages import page, table, wide_image

_MISTAKES_PER_MODEL = 8
"""Number of mistakes to show of each model on each data set."""

_TITLES = {"accuracy": "Accuracy", "balanced_accuracy": "Balanced accuracy", "macro_f1": "Macro F1"}


def render_cross_data(found: CrossEvaluation) -> str:
    """Render the page of models on several data sets.

    All names are escaped, images are embedded, and the page loads nothing.
    """
    models, names = found.models, found.names
    parts = [
        f"<p>{len(models)} {'model' if len(models) == 1 else 'models'} on the {found.split} split "
        f"of {len(names)} data sets. The models of a column are evaluated on the same images and "
        "on the classes that the data set has in common with all of them; the columns differ in "
        "images and classes, so compare the models of a column rather than the columns of a model. "
        f"emorec {__version__}.</p>"
    ]
    for metric in CELL_METRICS:
        parts.append(f"<h2>{_TITLES[metric]}</h2>")
        rows = [
            [name, *(_cell(column[row].scores, metric) for column in found.columns)]
            for row, name in enumerate(models)
        ]
        counts = ["images", *(f"{column[0].scores.images:,}" for column in found.columns)]
        parts.append(table(["model", *names], rows, counts))
    cells = [
        (f"{model} on {name}" if len(models) > 1 else name, column[row].scores)
        for row, model in enumerate(models)
        for name, column in zip(names, found.columns, strict=True)
    ]
    labels, scores = zip(*cells, strict=True)
    parts.append(wide_image(plots.draw_comparison(labels, scores), "accuracies with intervals"))
    parts += ["<h2>Classes</h2>", _classes(found)]
    for name, column in zip(names, found.columns, strict=True):
        parts.append(
            f"<h2>{html.escape(name)}</h2><p>{column[0].scores.images:,} images. "
            f"{intervals_text(column[0].scores)}</p>"
        )
        if len(models) > 1:
            parts += comparison_sections(models, column)
        for model, entry in zip(models, column, strict=True):
            if len(models) > 1:
                parts.append(f"<h2>{html.escape(name)}: {html.escape(model)}</h2>")
            parts += model_sections(entry, _MISTAKES_PER_MODEL)
    return page(f"Evaluation on {len(names)} data sets", parts)


def _cell(scores: object, metric: str) -> str:
    value, (low, high) = getattr(scores, metric), getattr(scores, f"{metric}_interval")
    if metric == "macro_f1":
        return f"{value:.4f} ({low:.4f} to {high:.4f})"
    return f"{value:.2%} ({low:.2%} to {high:.2%})"


def _classes(found: CrossEvaluation) -> str:
    """Render which classes are evaluated, and which one side lacks."""
    points, rows = [], []
    for name, column in zip(found.names, found.columns, strict=True):
        labels = column[0].examples.class_names
        points.append(
            f"<li>{html.escape(name)}: {len(labels)} classes: {html.escape(', '.join(labels))}</li>"
        )
        for model, entry in zip(found.models, column, strict=True):
            matching = entry.matching
            if matching is None:
                continue
            left_out = [f"{label} ({count:,})" for label, count in matching.left_out.items()]
            kept = matching.all_classes
            rows.append(
                [
                    f"{name}: {model}",
                    ", ".join(left_out) or "-",
                    ", ".join(matching.unknown) or "-",
                    ", ".join(matching.removed) or "-",
                    f"{kept.accuracy:.2%}" if kept else "-",
                    f"{kept.answers_outside:.2%}" if kept else "-",
                ]
            )
    head = ["data set and model", "images left out", "model lacks", "data lacks"]
    return (
        f"<ul>{''.join(points)}</ul><p>Images of classes that a model lacks are left out for all "
        "models. Classes that the data lacks are removed from the answer of the model, and the "
        "rest is renormalised. The last two columns are without that: the accuracy if they stay "
        "in its answer, and the share of the images for which it answers one of them.</p>"
        + table([*head, "accuracy if kept", "answers outside"], rows)
    )
