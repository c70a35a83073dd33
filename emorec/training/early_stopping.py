"""Decides from the history of a run when it stops early."""

from emorec.training.checkpoint import History, best_epoch

# Keras's EarlyStopping counts in memory: after a resume its patience would start again, and it
# knows no stages. The history is in every checkpoint.


def patience_is_exhausted(history: History, patience: int) -> bool:
    """Check whether the last `patience` epochs of the last stage brought no better epoch.

    Args:
        history: Rows of at least one epoch.
        patience: Number of epochs.
    """
    stage = [row for row in history if row["stage"] == history[-1]["stage"]]
    return len(stage) - best_epoch(stage) >= patience
