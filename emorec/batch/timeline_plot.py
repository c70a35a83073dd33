"""Plots the emotions of each face of a video over time."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from emorec.batch.video_summary import TimelinePoint, TrackSummary
from emorec.figures import new_figure, to_png
from emorec.fonts import drawable
from emorec.media.drawing import emotion_colors

_GAP_S = 0.5
"""A face out of sight for longer leaves a gap, unless its points lie wider apart."""

_PLOTTED_FACES = 12
"""Faces plotted, at most."""


def draw_timeline(tracks: Sequence[TrackSummary], duration_s: float) -> bytes:
    """Plot the emotions of the faces that were visible for longest.

    Args:
        tracks: The faces, with their timelines.
        duration_s: Duration of the video in seconds.

    Returns:
        A PNG file.
    """
    longest = sorted(tracks, key=lambda track: -track.seconds)[:_PLOTTED_FACES]
    shown = sorted((track for track in longest if track.points), key=lambda track: track.id)
    figure = new_figure(10, 1.6 + 1.3 * max(len(shown), 1))
    rows: Any = figure.subplots(max(len(shown), 1), 1, sharex=True, squeeze=False)[:, 0]
    labels = list(shown[0].points[0].probabilities) if shown else []
    colors = ["#{2:02x}{1:02x}{0:02x}".format(*color) for color in emotion_colors(labels).values()]
    for axes, track in zip(rows, shown, strict=False):
        for number, part in enumerate(_unbroken(track.points)):
            times = [point.time_s for point in part]
            values = [[point.probabilities[name] for point in part] for name in labels]
            if len(times) == 1:  # an area needs two
                times, values = [times[0], times[0] + 0.04], [[*v, *v] for v in values]
            names = [drawable(name) for name in labels] if number == 0 else []
            axes.stackplot(times, values, colors=colors, labels=names, linewidth=0)
        share = track.shares[track.emotion]
        axes.set_title(
            f"face {track.id}: mostly {drawable(track.emotion)} ({share:.0%}), "
            f"changes: {track.changes}",
            loc="left",
            fontsize=9,
        )
        axes.set(ylim=(0, 1), yticks=(0, 0.5, 1))
        axes.grid(alpha=0.3)
    if not shown:
        rows[0].text(0.5, 0.5, "no faces", ha="center", va="center", transform=rows[0].transAxes)
    else:
        handles, names = rows[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside upper center", ncols=len(names), fontsize=9)
        figure.supylabel("probability", fontsize=9)
    rows[-1].set(xlabel="seconds", xlim=(0, max(duration_s, 0.04)))
    return to_png(figure)


def _unbroken(points: Sequence[TimelinePoint]) -> list[list[TimelinePoint]]:
    """Split a timeline where the face was out of sight."""
    steps = sorted(later.time_s - earlier.time_s for earlier, later in pairwise(points))
    limit = max(_GAP_S, 3 * steps[len(steps) // 2]) if steps else _GAP_S
    parts = [[points[0]]]
    for point in points[1:]:
        if point.time_s - parts[-1][-1].time_s > limit:
            parts.append([])
        parts[-1].append(point)
    return parts
