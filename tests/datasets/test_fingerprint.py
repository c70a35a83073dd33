"""The fingerprint of a data set."""

from dataclasses import replace
from pathlib import Path

from helpers.noisy_labels import noisy_data

from emorec.datasets.fingerprint import fingerprint


def test_it_changes_with_paths_splits_labels_and_votes(tmp_path: Path) -> None:
    data = noisy_data(tmp_path)
    assert data.votes is not None
    changed = [
        replace(data, paths=data.paths[::-1]),
        replace(data, splits=data.splits[::-1]),
        replace(data, labels=data.labels[::-1]),
        replace(data, votes=data.votes[::-1]),
        replace(data, votes=None),
    ]
    assert len({fingerprint(each) for each in [data, *changed]}) == 6
    assert fingerprint(replace(data, root=tmp_path / "moved")) == fingerprint(data)
