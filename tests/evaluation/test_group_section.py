import numpy as np
import pytest
from helpers.html_page import Page, assert_self_contained

from emorec.evaluation import group_resampling
from emorec.evaluation.group_scores import GroupComparison, compare_groups
from emorec.evaluation.group_section import group_sections
from emorec.pages import page

HOSTILE = "<b>$x_1$&\"'"


def comparison(people: bool, images: int = 200) -> GroupComparison:
    generator = np.random.default_rng(0)
    probabilities = generator.dirichlet(np.ones(4), images)
    targets = np.eye(4, dtype=np.float32)[generator.integers(0, 4, images)]
    groups = np.resize(["adult", "adult", HOSTILE, HOSTILE], images)
    groups[:4], groups[4:10] = "", "few"
    of_people = np.array([f"p{number // 2}" for number in range(images)])
    return compare_groups(probabilities, targets, groups, "age <", of_people if people else None)


def test_no_groups() -> None:
    assert group_sections([]) == []


@pytest.mark.parametrize("people", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_a_table_a_plot_and_the_gaps(people: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_resampling, "RESAMPLES", 50)
    found = comparison(people)
    text = page("groups", group_sections([found]))
    assert_self_contained(text)
    shown = Page(text)
    assert len(shown.images()) == 1
    assert ("<th>people</th>" in text) == people
    for expected in (
        "Groups by age <",
        f"{found.groups[0].accuracy:.1%}",
        "samples of the people" if people else "samples of the images",
        "labels, which may themselves differ",
        *(gap.to_text() for gap in found.gaps),
        *(f"not compared, {entry.not_compared}" for entry in found.groups if entry.not_compared),
    ):
        assert expected in shown.text
