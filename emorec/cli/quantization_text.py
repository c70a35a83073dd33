"""The text output of `emorec export --int8`: what the quantisation costs."""

from typing import Any

from emorec.evaluation.quantization_cost import QuantizationCost


def quantization_values(cost: QuantizationCost) -> dict[str, Any]:
    """Return the cost of the quantisation of a model as native types, for JSON."""
    sides = zip(("before", "after"), cost.evaluations, cost.sizes, cost.milliseconds, strict=True)
    return {
        "images": cost.evaluations[1].scores.images,
        "largest_difference": cost.largest_difference,
        **{
            side: {
                "bytes": size,
                "accuracy": evaluation.scores.accuracy,
                "balanced_accuracy": evaluation.scores.balanced_accuracy,
                "milliseconds_per_face": milliseconds,
            }
            for side, evaluation, size, milliseconds in sides
        },
    }


def quantization_text(cost: QuantizationCost) -> str:
    """Format the cost of the quantisation of a model."""
    before, after = (entry.scores for entry in cost.evaluations)
    rows = [
        ("size (MB)", *(f"{size / 1e6:.3f}" for size in cost.sizes)),
        ("accuracy", f"{before.accuracy:.4f}", f"{after.accuracy:.4f}"),
        (
            "balanced accuracy",
            f"{before.balanced_accuracy:.4f}",
            f"{after.balanced_accuracy:.4f}",
        ),
        ("ms a face", *(f"{value:.2f}" for value in cost.milliseconds)),
    ]
    lines = [f"{'':18}{'before':>9}{'after':>9}"]
    lines += [f"{name:18}{first:>9}{second:>9}" for name, first, second in rows]
    lines.append(
        f"largest difference of a probability: {cost.largest_difference:.3f}, on {after.images} "
        f"validation images at tau {cost.evaluations[1].adjustment_strength:g}"
    )
    return "\n".join(lines)
