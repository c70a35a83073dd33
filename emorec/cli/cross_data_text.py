"""The text of an evaluation on several data sets."""

from emorec.cli.evaluation_text import gap_lines
from emorec.cli.terminal_text import one_line
from emorec.evaluation.cross_data import CELL_METRICS, CrossEvaluation


def cross_data_text(found: CrossEvaluation) -> str:
    """Format the metrics of models (rows) on data sets (columns)."""
    models = [one_line(name) for name in found.models]
    names = [one_line(name) for name in found.names]
    lines = [
        f"{len(models)} {'model' if len(models) == 1 else 'models'} on {len(names)} data sets, "
        f"{found.split} split, with 95 % intervals"
    ]
    width = max(len("balanced accuracy"), *map(len, models)) + 2
    cells = [max(len(name), len("0.0000 (0.0000 to 0.0000)")) + 2 for name in names]
    header = "".join(f"{name:{size}}" for name, size in zip(names, cells, strict=True)).rstrip()
    for metric in CELL_METRICS:
        title = "macro F1" if metric == "macro_f1" else metric.replace("_", " ")
        lines += ["", f"{title:{width}}{header}"]
        for row, model in enumerate(models):
            texts = []
            for column, size in zip(found.columns, cells, strict=True):
                scores = column[row].scores
                low, high = getattr(scores, f"{metric}_interval")
                texts.append(f"{getattr(scores, metric):.4f} ({low:.4f} to {high:.4f})".ljust(size))
            lines.append(f"{model:{width}}{''.join(texts).rstrip()}")
    counts = [
        f"{column[0].scores.images:<{size}}"
        for column, size in zip(found.columns, cells, strict=True)
    ]
    lines += ["", f"{'images':{width}}{''.join(counts).rstrip()}"]
    for name, column in zip(names, found.columns, strict=True):
        labels = ", ".join(one_line(label) for label in column[0].examples.class_names)
        lines += ["", f"{name}: {len(column[0].examples.class_names)} classes: {labels}"]
        for model, entry in zip(models, column, strict=True):
            matched = entry.matching.to_lines() if entry.matching else []
            lines += [f"  {model}: {one_line(line)}" for line in matched]
            lines += [f"  {line}" for line in gap_lines(model, entry)]
    return "\n".join(lines)
