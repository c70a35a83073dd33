"""The page that compares runs."""

from pathlib import Path

from helpers.html_page import Page, assert_self_contained
from helpers.run_folders import make_run

from emorec.training.comparison_page import render_comparison
from emorec.training.run_comparison import compare_runs


def rendered(*folders: Path) -> str:
    return render_comparison(compare_runs(folders), lambda seconds: f"{seconds:g} s")


def test_the_page_has_curves_figures_and_settings(tmp_path: Path) -> None:
    folders = [
        make_run(tmp_path / "<b>first"),
        make_run(tmp_path / "second", settings="epochs: 4", fingerprint="x", folds=2),
    ]
    (folders[0] / "environment.json").write_text("<script>")
    text = rendered(*folders)
    assert_self_contained(text)
    parsed = Page(text)
    assert len(parsed.images()) == 1
    assert "<b>first" in parsed.text
    assert "finished, 2 folds" in parsed.text
    assert "different data sets" in parsed.text
    assert "environment.json: not a JSON file" in parsed.text
    assert "epochs34" in parsed.text
    assert "McNemar" not in parsed.text


def test_a_single_run_and_tests_of_cross_validations(tmp_path: Path) -> None:
    alone = Page(rendered(make_run(tmp_path / "alone")))
    assert "Settings that differNone." in alone.text.replace("\n", "")
    assert "different data sets" not in alone.text
    tested = Page(rendered(*(make_run(tmp_path / name, folds=2) for name in "ab")))
    assert "a / b001" in tested.text
