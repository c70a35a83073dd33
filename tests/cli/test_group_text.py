import numpy as np
import pytest

from emorec.cli.group_text import group_lines
from emorec.evaluation import group_resampling
from emorec.evaluation.group_scores import compare_groups


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_resampling, "RESAMPLES", 50)


def lines(groups: list[str], people: list[str] | None = None) -> list[str]:
    """Half of the images of each group are classified correctly."""
    targets = np.eye(2, dtype=np.float32)[np.arange(len(groups)) % 2]
    probabilities = np.tile([0.6, 0.4], (len(groups), 1))
    known = None if people is None else np.array(people)
    return group_lines(compare_groups(probabilities, targets, np.array(groups), "s\x1bx", known))


def test_one_group() -> None:
    found = lines(["a"] * 40)
    assert found[1].startswith("group by s")
    assert "\x1b" not in "".join(found)
    assert found[2].split()[:3] == ["a", "40", "0.5000"]
    assert found[2].split()[-1] == "-"  # there is no rest
    assert found[-1] == "Fewer than two groups can be compared."


def test_groups_of_people() -> None:
    people = [f"p{number // 2}" for number in range(100)]
    found = lines(["a"] * 40 + ["b"] * 40 + [""] * 20, people)
    assert "images  people  accuracy" in found[1]
    assert [line.split()[:4] for line in found[2:5]] == [
        ["(empty)", "*", "20", "10"],
        ["a", "40", "20", "0.5000"],
        ["b", "40", "20", "0.5000"],
    ]
    assert "* not compared: no value in the column (1)" in found
    gaps = found[found.index("gaps between the worst and the best group") + 1 :]
    assert gaps[0].startswith("accuracy: worst a, best a, gap 0.0000 (95 %: 0.0000 to 0.")
    assert len(gaps) == 5
    positions = {line.index("0.5000") for line in found[3:5]}
    assert positions == {found[1].index("accuracy") + 2}
