import pytest
from helpers.example_records import LABELS
from helpers.example_sessions import HAPPY, SAD, session_frame

from emorec.outputs.session.weighted_means import WeightedMeans, differences


def face(probabilities: tuple[float, float]):
    return session_frame("a", 0, 0, 1, {"x": probabilities}).faces[0]


def test_nothing_seen():
    means = WeightedMeans(2)
    assert means.means == means.peaks == means.shares(LABELS) == [None, None]
    assert (means.emotion, means.confidence, means.size, means.sharpness) == (None,) * 4


def test_faces_weigh_as_long_as_they_are_seen():
    means = WeightedMeans(2)
    means.add(face(HAPPY), 3.0)
    means.add(face(SAD), 1.0)
    means.add(face((0.45, 0.45)), 0.0, counted=False)
    assert (means.seen_s, means.frames) == (4.0, 2)
    assert means.means == pytest.approx([0.625, 0.375])
    assert means.peaks == [0.75, 0.75]
    assert means.shares(LABELS) == [0.75, 0.25]
    assert (means.emotion, means.confidence, means.uncertain_share) == ("happy", 0.75, 0.0)
    assert (means.size, means.sharpness) == (8, 100)


@pytest.mark.parametrize(
    ("means", "baseline", "expected"),
    [([0.5], None, [None]), ([None], [0.5], [None]), ([0.5, 0.5], [0.25, 0.75], [0.25, -0.25])],
)
def test_differences(means: list, baseline: list | None, expected: list):
    assert differences(means, baseline) == expected
