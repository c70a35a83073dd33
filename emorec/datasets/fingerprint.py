"""Identifies the images and labels of a data set."""

import hashlib

from emorec.datasets.manifest import PreparedDataset


def fingerprint(dataset: PreparedDataset) -> str:
    """Compute the SHA-256 of the paths, splits, labels and votes of a data set."""
    digest = hashlib.sha256()
    for column in (dataset.paths, dataset.splits, dataset.labels):
        digest.update("\n".join(column.tolist()).encode())
    if dataset.votes is not None:
        digest.update(dataset.votes.tobytes())
    return digest.hexdigest()
