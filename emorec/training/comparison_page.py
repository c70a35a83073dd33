"""Renders a comparison of runs as one self-contained HTML page."""

import html
from collections.abc import Callable

from emorec import __version__
from emorec.evaluation.run_curves import draw_run_curves
from emorec.pages import page, table, wide_image
from emorec.training.run_comparison import HEAD, RunComparison, figure_rows


def render_comparison(found: RunComparison, duration_text: Callable[[float], str]) -> str:
    """Render the page; all names are escaped, the curves are embedded, and it loads nothing.

    Args:
        found: The comparison.
        duration_text: Writes seconds in words.
    """
    entries = found.entries
    problems = [
        f"{name}: {problem}"
        for name, entry in zip(found.names, entries, strict=True)
        for problem in entry.problems
    ]
    rows = [
        [f"{number}: {name}", *cells] for number, name, *cells in figure_rows(found, duration_text)
    ]
    curves = draw_run_curves(
        found.names, [entry.history for entry in entries], [entry.best_epoch for entry in entries]
    )
    return page(
        f"Comparison of {len(entries)} runs",
        [
            f"<p>emorec {__version__}. The figures are those of the best epoch on the validation "
            "images; of a cross-validation, those of its predictions.</p>",
            *([_DIFFERENT_DATA] if found.is_on_different_data else []),
            *(f"<p><strong>{html.escape(problem)}</strong></p>" for problem in problems),
            "<h2>Figures</h2>",
            table(HEAD[1:], rows),
            "<h2>Learning curves</h2>",
            wide_image(curves, "accuracy, loss and learning rate by epoch"),
            "<h2>Settings that differ</h2>",
            _settings(found),
            *_tests(found),
        ],
        style="td:first-child { min-width: 15rem }",
    )


_DIFFERENT_DATA = (
    "<p><strong>The runs have different data sets, or other labels of the same images</strong>; "
    "the column data numbers them. Their figures cannot be compared directly.</p>"
)


def _settings(found: RunComparison) -> str:
    if not found.differences:
        return "<p>None.</p>"
    numbers = [str(number) for number in range(1, len(found.names) + 1)]
    rows = [[name, *values] for name, values in found.differences.items()]
    return table(["setting", *numbers], rows)


def _tests(found: RunComparison) -> list[str]:
    if not found.tests:
        return []
    rows = [
        [
            f"{found.names[test.first]} / {found.names[test.second]}",
            str(test.result.only_first),
            str(test.result.only_second),
            f"{test.result.p_value:.3g}",
        ]
        for test in found.tests
    ]
    return [
        "<h2>McNemar's exact test</h2><p>Images that only one of two cross-validations classifies "
        "correctly, and the p value under the hypothesis that both have the same accuracy. p "
        "values are not corrected for multiple comparisons.</p>",
        table(["runs", "only the first", "only the second", "p"], rows),
    ]
