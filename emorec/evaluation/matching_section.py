"""The section of a report page that says how the classes of data and model were matched."""

import html

from emorec.evaluation.assessment import Evaluation


def matching_section(entry: Evaluation) -> str:
    """Render how the classes of an evaluation were matched; empty if they fit."""
    lines = entry.matching.to_lines() if entry.matching else []
    if not lines:
        return ""
    points = "".join(f"<li>{html.escape(line)}</li>" for line in lines)
    return f"<h3>Classes of the data and of the model</h3><ul>{points}</ul>"
