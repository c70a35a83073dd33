"""The report of a cross-validation as one self-contained HTML page."""

import html

from emorec import __version__
from emorec.evaluation import plots
from emorec.evaluation.fold_scores import FIGURES, CrossValidation
from emorec.evaluation.metrics import intervals_text
from emorec.evaluation.report import model_sections
from emorec.pages import page, table, wide_image

_MISTAKES = 48
"""Largest number of mistakes to show."""

PROTOCOL = (
    "The model of each fold was trained on the images of the other folds only, without early "
    "stopping. Its predictions are those after the number of epochs with the best accuracy of the "
    "other folds, each on its own images: the labels of a fold have no part in what is reported of "
    "it. The final model is trained on all images, with the number of epochs that is best over all "
    "folds; its temperature is fitted on the predictions below."
)


def render_cross_validation(found: CrossValidation, data: str, method: str, settings: str) -> str:
    """Render the page of a cross-validation.

    All names are escaped, images are embedded, and the page loads nothing.

    Args:
        found: The figures.
        data: Name of the data set.
        method: How the images were assigned to folds, in words.
        settings: The configuration as text.
    """
    evaluation = found.evaluation
    scores = evaluation.scores
    return page(
        f"{evaluation.metadata.name}: cross-validation",
        [
            f"<p>{scores.images:,} images of {html.escape(data)}, "
            f"{len(evaluation.examples.class_names)} classes, {len(found.folds)} folds "
            f"({html.escape(method)}). {intervals_text(scores)} emorec {__version__}.</p>",
            f"<p>{PROTOCOL}</p>",
            "<h2>Folds</h2>",
            _folds(found),
            wide_image(
                plots.draw_fold_curves(found.accuracies, found.epochs),
                "accuracy of the folds by epoch",
            ),
            *_worst(found),
            "<h2>All predictions together</h2>",
            *model_sections(evaluation, _MISTAKES),
            f"<details><summary>Settings</summary><pre>{html.escape(settings)}</pre></details>",
        ],
    )


def _folds(found: CrossValidation) -> str:
    grouped = found.folds[0].groups is not None
    rows = [
        [
            str(fold.fold),
            f"{fold.images:,}",
            *([f"{fold.groups:,}"] if grouped else []),
            str(fold.epoch),
            f"{fold.accuracy:.2%}",
            f"{fold.balanced_accuracy:.2%}",
            f"{fold.macro_f1:.4f}",
        ]
        for fold in found.folds
    ]
    accuracy, balanced, f1 = ((found.mean(figure), found.deviation(figure)) for figure in FIGURES)
    scores = found.evaluation.scores
    counts = [f"{scores.images:,}"] + [""] * (1 + grouped)
    rows.append(
        [
            "mean ± standard deviation",
            *[""] * len(counts),
            f"{accuracy[0]:.2%} ± {accuracy[1]:.2%}",
            f"{balanced[0]:.2%} ± {balanced[1]:.2%}",
            f"{f1[0]:.4f} ± {f1[1]:.4f}",
        ]
    )
    pooled = [
        "all images together",
        *counts,
        f"{scores.accuracy:.2%}",
        f"{scores.balanced_accuracy:.2%}",
        f"{scores.macro_f1:.4f}",
    ]
    head = ["fold", "images", *(["groups"] if grouped else []), "epochs"]
    return table([*head, "accuracy", "balanced accuracy", "macro F1"], rows, pooled)


def _worst(found: CrossValidation) -> list[str]:
    worst = found.worst_class
    parts = [
        "<h2>Where it is worst</h2>"
        f"<p>The class with the lowest recall is <strong>{html.escape(worst.label)}</strong>: "
        f"{worst.recall:.2%} of its {worst.images:,} images.</p>"
    ]
    if found.worst_groups:
        rows = [
            [entry.group, f"{entry.accuracy:.2%}", f"{entry.images:,}"]
            for entry in found.worst_groups
        ]
        parts += [
            "<h3>Groups (people, say) with the lowest accuracy</h3>",
            table(["group", "accuracy", "images"], rows),
        ]
    return parts
