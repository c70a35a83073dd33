"""Renders probable label errors as a section of the data report."""

import html
from collections.abc import Sequence

from emorec.datasets.label_review import LabelDoubt
from emorec.datasets.loading import load_images
from emorec.evaluation.label_errors import ALL, LabelErrors
from emorec.evaluation.mistakes import Mistake, mistake_grid, votes_text
from emorec.pages import table

MOST_SHOWN = 48
"""Largest number of suspects on the page; the review file has all."""

_SIDE = 96
"""Side of a shown image in pixels."""


def label_error_section(errors: LabelErrors) -> str:
    """Render the section, with the images of the worst suspects; all names are escaped.

    Raises:
        DataError: An image is missing or unreadable.
    """
    answers, noise, names = errors.answers, errors.noise, errors.data.class_names
    images = len(answers.rows)
    where = "all splits" if errors.split == ALL else f"the split {errors.split}"
    how = (
        "each classified by a model of a cross-validation that was not trained on it"
        if answers.out_of_fold
        else "which the model must not have been trained on"
    )
    missing = ""
    if answers.unanswered:
        missing = f" {answers.unanswered:,} labelled images have no prediction."
    rows = [
        [name, *(_count(value, row == column) for column, value in enumerate(estimated))]
        for row, (name, estimated) in enumerate(zip(names, noise.estimated, strict=True))
    ]
    pairs = [[label, other, f"{count:,.0f}"] for label, other, count in errors.pairs]
    return "".join(
        [
            "<h2>Labels and model</h2>",
            f"<p>{html.escape(answers.model)} on {images:,} labelled images of {where}, {how}."
            f"{missing} Its most probable class is the label of {errors.agreement:.1%}.</p>",
            f"<p>Confident learning (Northcutt et al. 2021) estimates that "
            f"<strong>{noise.errors:,.0f} labels ({noise.errors / images:.1%})</strong> are wrong "
            "or ambiguous. The estimate is no better than the model: images that it finds hard "
            "count as errors, too.</p>",
            "<h3>Estimated images by label and true class</h3>",
            table(["label", *names], rows),
            *(["<h3>Most frequent confusions</h3>"] if pairs else []),
            *([table(["label", "true class", "images"], pairs)] if pairs else []),
            "<h3>Most doubtful labels</h3>",
            f"<p>{len(noise.suspects):,} suspects, by their disagreement with the model"
            f"{'' if errors.data.votes is None else ' (where voters disagree, less)'}. Look at "
            "them, and decide yourself. Below an image are the model's answer with its "
            "probability, and the label. <code>emorec data-report --review FILE.csv</code> writes "
            "a list for new labels.</p>",
            mistake_grid(_mistakes(errors, errors.doubts[:MOST_SHOWN])),
        ]
    )


def _count(value: float, on_diagonal: bool) -> str:
    return f"{value:,.0f}" if on_diagonal or value >= 0.5 else "-"


def _mistakes(errors: LabelErrors, doubts: Sequence[LabelDoubt]) -> list[Mistake]:
    data = errors.data
    row_of = {path: row for row, path in enumerate(data.paths.tolist())}
    paths = [data.root / doubt.path for doubt in doubts]
    images = load_images(paths, _SIDE, "rgb", "area")
    return [
        Mistake(
            path,
            str(data.labels[row_of[doubt.path]]),
            doubt.answer,
            doubt.probability or 0.0,
            "" if data.votes is None else votes_text(data.votes[row_of[doubt.path]]),
            image,
        )
        for path, doubt, image in zip(paths, doubts, images, strict=True)
    ]
