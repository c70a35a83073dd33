"""Tells of evaluated models as one self-contained HTML page."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from emorec import __version__
from emorec.evaluation import plots
from emorec.evaluation.assessment import Evaluation
from emorec.evaluation.comparison import pair_tests, titles
from emorec.evaluation.mistakes import Mistake
from emorec.evaluation.significance import Interval
from emorec.pages import page, picture, table, wide_picture

_FEW_MISTAKES = 16
"""Shown of each model where several are compared."""


@dataclass(frozen=True)
class TrainingHistory:
    """What is told of a training run beyond its model.

    Attributes:
        history: One mapping an epoch, for `emorec.evaluation.plots.draw_curves`.
        best_epoch: Whose weights the model has.
        settings: The configuration as text.
    """

    history: Sequence[Mapping[str, float]]
    best_epoch: int
    settings: str


def render(
    evaluations: Sequence[Evaluation], data: str, split: str, run: TrainingHistory | None = None
) -> str:
    """Give the page of one model, or of several side by side.

    All names are escaped, pictures are inside, and nothing is loaded from anywhere.

    Args:
        evaluations: At least one, all on the same images.
        data: Name of the data set.
        split: "train", "validation" or "test".
        run: Where a single model is that of a run.
    """
    examples = evaluations[0].examples
    where = (
        f"<p>{len(examples.paths):,} images of the {html.escape(split)} split of "
        f"{html.escape(data)}, {len(examples.class_names)} classes. Intervals hold 95 % of 2,000 "
        f"bootstrap samples. emorec {__version__}.</p>"
    )
    if len(evaluations) > 1:
        names = titles(evaluations)
        parts = [where, *_comparison(names, evaluations)]
        for name, entry in zip(names, evaluations, strict=True):
            parts += [f"<h2>{html.escape(name)}</h2>", *_model(entry, _FEW_MISTAKES)]
        return page(f"Comparison of {len(evaluations)} models", parts)
    (only,) = evaluations
    parts = [
        where,
        *(_run(run) if run else ()),
        "<h2>Model</h2>",
        *_model(only, len(only.mistakes)),
    ]
    return page(f"{only.metadata.name} {only.metadata.version}: evaluation", parts)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"


def _between(interval: Interval) -> str:
    return f"{interval[0]:.2%} to {interval[1]:.2%}"


def _run(run: TrainingHistory) -> list[str]:
    last = run.history[-1]
    return [
        "<h2>Training</h2>"
        f"<p>{len(run.history)} epochs; the model is that of epoch {run.best_epoch}. In the last "
        f"one the loss was {last['loss']:.3f} on training images and {last['val_loss']:.3f} on "
        "validation images.</p>",
        wide_picture(plots.draw_curves(run.history), "accuracy and loss over the epochs"),
        f"<details><summary>Settings</summary><pre>{html.escape(run.settings)}</pre></details>",
    ]


def _comparison(names: Sequence[str], evaluations: Sequence[Evaluation]) -> list[str]:
    scores = [entry.scores for entry in evaluations]
    head = ("accuracy", "interval", "balanced", "interval", "macro F1", "top 2", "calibration")
    rows = [
        [
            name,
            _share(s.accuracy),
            _between(s.accuracy_interval),
            _share(s.balanced_accuracy),
            _between(s.balanced_accuracy_interval),
            f"{s.macro_f1:.4f}",
            _share(s.top2_accuracy),
            f"{s.calibration_error:.4f}",
        ]
        for name, s in zip(names, scores, strict=True)
    ]
    labels = [entry.label for entry in scores[0].per_class]
    recalls = [
        [name, *(_share(part.recall) for part in s.per_class)]
        for name, s in zip(names, scores, strict=True)
    ]
    tests = [
        [
            f"{names[test.first]} / {names[test.second]}",
            str(test.result.only_first),
            str(test.result.only_second),
            f"{test.result.p_value:.3g}",
        ]
        for test in pair_tests(evaluations)
    ]
    return [
        "<h2>Side by side</h2>",
        table(["model", *head], rows),
        wide_picture(plots.draw_comparison(names, scores), "accuracies with their intervals"),
        "<h3>Recall by class</h3>",
        table(["model", *labels], recalls),
        "<h3>McNemar's exact test</h3><p>Images that only one of two models gets right, and how "
        "probable a difference as large is if both are equally good. With many pairs, some small "
        "values come by chance.</p>",
        table(["models", "only the first", "only the second", "p"], tests),
    ]


def _model(entry: Evaluation, mistakes: int) -> list[str]:
    return [
        _facts(entry),
        _figures(entry),
        _classes(entry),
        "<h3>Confusion matrix</h3>",
        wide_picture(plots.draw_confusion_matrix(entry.scores), "confusion matrix"),
        *_calibration(entry),
        _priors(entry),
        _votes(entry),
        _groups(entry),
        _mistakes(entry.mistakes[:mistakes]),
    ]


def _facts(entry: Evaluation) -> str:
    metadata = entry.metadata
    seen = "each image and its mirror image, averaged" if entry.flip else "each image once"
    rows = [
        ["file", str(entry.model)],
        ["architecture", metadata.architecture],
        ["input", f"{metadata.input_size} x {metadata.input_size}, {metadata.color}"],
        ["trained on", metadata.training_data],
        ["licence", metadata.license],
        ["temperature", f"{metadata.temperature:.4g}"],
        ["prior taken out", f"{entry.tau:g}"],
        ["reads", seen],
    ]
    return "<dl>" + "".join(f"<dt>{n}</dt><dd>{html.escape(v)}</dd>" for n, v in rows) + "</dl>"


def _figures(entry: Evaluation) -> str:
    s = entry.scores
    rows = [
        ["accuracy", _share(s.accuracy), _between(s.accuracy_interval)],
        ["balanced accuracy", _share(s.balanced_accuracy), _between(s.balanced_accuracy_interval)],
        ["macro F1", f"{s.macro_f1:.4f}", "{:.4f} to {:.4f}".format(*s.macro_f1_interval)],
        ["top-2 accuracy", _share(s.top2_accuracy), ""],
        ["cross-entropy, nats", f"{s.loss:.4f}", ""],
        ["expected calibration error", f"{s.calibration_error:.4f}", ""],
    ]
    return "<h3>Figures</h3>" + table(["", "value", "interval"], rows)


def _classes(entry: Evaluation) -> str:
    rows = [
        [
            part.label,
            _share(part.precision),
            _share(part.recall),
            f"{part.f1:.4f}",
            "-" if part.roc_auc is None else f"{part.roc_auc:.4f}",
            f"{part.images:,}",
        ]
        for part in entry.scores.per_class
    ]
    head = ["class", "precision", "recall", "F1", "ROC AUC", "images"]
    return "<h3>Classes</h3>" + table(head, rows)


def _calibration(entry: Evaluation) -> list[str]:
    told = ""
    if entry.two_fold:
        first, second = entry.two_fold.temperatures
        told = (
            "<p>With a temperature fitted on one half of the images and measured on the other, "
            f"the error is {entry.two_fold.calibration_error:.4f} (temperatures {first:.3f} and "
            f"{second:.3f} instead of {entry.metadata.temperature:.3f}).</p>"
        )
    rows = [
        [f"{point.min_confidence:.2f}", _share(point.coverage), _share(point.accuracy)]
        for point in entry.coverage[::2]
    ]
    error = entry.scores.calibration_error
    return [
        "<h3>Calibration</h3>" + told,
        picture(plots.draw_reliability(entry.reliability, error), "reliability diagram"),
        "<h3>Uncertain faces</h3><p>What is left if faces below a least confidence are called "
        "uncertain (<code>--min-confidence</code>).</p>",
        picture(plots.draw_coverage(entry.coverage), "coverage and accuracy over confidence"),
        table(["least confidence", "coverage", "accuracy"], rows),
    ]


def _priors(entry: Evaluation) -> str:
    if not entry.priors:
        return ""
    rows = [
        [
            f"{part.tau:g}" + (" (this page)" if part.tau == entry.tau else ""),
            _share(part.accuracy),
            _share(part.balanced_accuracy),
        ]
        for part in entry.priors
    ]
    return (
        "<h3>Rare emotions</h3><p>Figures with so much of the training prior taken out "
        "(<code>--prior</code>; 0 natural, 1 balanced).</p>"
        + table(["tau", "accuracy", "balanced accuracy"], rows)
    )


def _votes(entry: Evaluation) -> str:
    if not entry.votes:
        return ""
    rows = [
        [
            "all agree" if part.below is None else f"{part.lowest:.0%} to below {part.below:.0%}",
            _share(part.accuracy),
            f"{part.images:,}",
        ]
        for part in entry.votes.bins
    ]
    return (
        "<h3>Agreement with the voters</h3><p>The probabilities diverge from the shares of the "
        f"votes by {entry.votes.divergence:.4f} nats (Kullback and Leibler) on average. Below, the "
        "images by the share of their most frequent choice.</p>"
        + table(["voters who agree", "accuracy", "images"], rows)
    )


def _groups(entry: Evaluation) -> str:
    if not entry.groups:
        return ""
    rows = [
        [
            part.group or "(empty)",
            _share(part.accuracy),
            _between(part.accuracy_interval),
            _share(part.balanced_accuracy),
            f"{part.images:,}",
        ]
        for part in entry.groups
    ]
    head = ["group", "accuracy", "interval", "balanced accuracy", "images"]
    return "<h3>Groups</h3>" + table(head, rows)


def _mistakes(mistakes: Sequence[Mistake]) -> str:
    if not mistakes:
        return ""
    figures = []
    for entry in mistakes:
        votes = f"<br>votes: {html.escape(entry.votes)}" if entry.votes else ""
        figures.append(
            f"<figure>{picture(entry.to_png(), entry.path.name)}<figcaption>"
            f"<b>{html.escape(entry.predicted)}</b> {entry.confidence:.0%}, label "
            f"<b>{html.escape(entry.label)}</b>{votes}<br>{html.escape(entry.path.name)}"
            "</figcaption></figure>"
        )
    return (
        "<h3>Most confident mistakes</h3><p>As the model saw them. Where the voters were "
        "divided, the label may be as doubtful as the answer.</p>"
        f'<div class="grid">{"".join(figures)}</div>'
    )
