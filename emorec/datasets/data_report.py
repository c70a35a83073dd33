"""Writes the inspection of a data set as JSON and as one HTML file with embedded images."""

import html
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from emorec import __version__
from emorec.atomic_files import write_bytes, write_json
from emorec.datasets.face_summary import faces_line
from emorec.datasets.inspection import SAMPLES, Inspection
from emorec.datasets.prepared_files import REPORT_HTML, REPORT_JSON
from emorec.pages import image_tag, page, table

LISTED = 100
"""Largest number of list items in the HTML file; the JSON file has all."""

# Okabe and Ito's palette, which colour-blind people can distinguish.
_COLORS = {"train": "#0072B2", "validation": "#E69F00", "test": "#009E73"}


def write_report(
    inspection: Inspection,
    notices: Iterable[str],
    folder: Path,
    sections: Sequence[str] = (),
) -> Path:
    """Write report.html and report.json.

    Args:
        inspection: Result of inspecting a data set.
        notices: Notices of its summary, one line each.
        folder: Folder to write to.
        sections: Further sections of the page, as HTML.

    Returns:
        Path of the HTML file.

    Raises:
        DataError: A file cannot be written.
    """
    notes = list(notices)
    write_json(folder / REPORT_JSON, {**inspection.facts, "notes": notes})
    page = render(inspection.data.root.resolve().name, inspection, notes, sections)
    write_bytes(folder / REPORT_HTML, page.encode())
    return folder / REPORT_HTML


def render(
    name: str, inspection: Inspection, notes: list[str], sections: Sequence[str] = ()
) -> str:
    """Render the HTML page; names from the data are escaped, and no other file is loaded."""
    facts = inspection.facts
    policy = f", labels by the policy {html.escape(facts['policy'])}" if facts["policy"] else ""
    parts = [
        f"<p>{facts['images']:,} images{policy}. emorec {__version__}.</p>",
        _list("Notes from reading the data", notes),
        "<h2>Images by split and class</h2>",
        _counts_table(facts["counts"]),
        "<h2>Class balance</h2>",
        _balance(facts["counts"]),
        _agreement(facts["votes"]),
        f"<h2>Samples</h2><p>Up to {SAMPLES} of each class, chosen at random.</p>",
        *(
            f"<figure><figcaption>{html.escape(label)}</figcaption>"
            f"{image_tag(data, label)}</figure>"
            for label, data in inspection.sheets.items()
        ),
        _faces(facts["faces"], inspection.apart),
        _suspicious(facts["suspicious"]),
        _duplicates(facts["near_duplicates"], inspection.pairs),
        *sections,
    ]
    return page(f"Data report: {name}", parts)


def _list(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines[:LISTED])
    more = f"<p>and {len(lines) - LISTED:,} more in report.json</p>" if len(lines) > LISTED else ""
    opened = " open" if len(lines) <= 10 else ""
    head = f"<summary>{title}: {len(lines):,}</summary>"
    return f"<details{opened}>{head}<ul>{items}</ul>{more}</details>"


def _counts_table(counts: Mapping[str, Mapping[str, int]]) -> str:
    names = list(next(iter(counts.values())))

    def cells(name: str, values: list[int]) -> list[str]:
        return [name, *(f"{value:,}" for value in (*values, sum(values)))]

    return table(
        ["class", *counts, "all"],
        [cells(n or "no label", [counts[split][n] for split in counts]) for n in names],
        cells("all", [sum(counts[split].values()) for split in counts]),
    )


def _bars(groups: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Draw a group of horizontal bars for each name, as SVG."""
    highest = max((v for bars in groups.values() for v in bars.values()), default=0) or 1
    bar, left, width = 14, 130, 640
    lines = []
    y = 4
    for name, bars in groups.items():
        middle = y + bar * len(bars) / 2 + 5
        lines.append(
            f'<text x="{left - 8}" y="{middle}" text-anchor="end">{html.escape(name)}</text>'
        )
        for key, value in bars.items():
            length = value / highest * width
            end = f"{left + length + 5:.1f}"
            color = _COLORS.get(key, "#0072B2")
            lines.append(
                f'<rect x="{left}" y="{y}" width="{length:.1f}" height="{bar - 2}" fill="{color}"/>'
                f'<text x="{end}" y="{y + 11}" font-size="11">{value:,}{unit}</text>'
            )
            y += bar
        y += 8
    return (
        f'<svg viewBox="0 0 {left + width + 70} {y}" width="{left + width + 70}" height="{y}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="14">{"".join(lines)}</svg>'
    )


def _balance(counts: Mapping[str, Mapping[str, int]]) -> str:
    """Draw the share of each class in its split."""
    totals = {
        split: sum(n for label, n in labels.items() if label) for split, labels in counts.items()
    }
    splits = [split for split, total in totals.items() if total]
    names = [name for name in next(iter(counts.values())) if name]
    groups = {
        name: {s: round(100 * counts[s][name] / totals[s], 1) for s in splits} for name in names
    }
    key = "".join(
        f'<span class="key"><i style="background:{_COLORS[s]}"></i>{s}</span>' for s in splits
    )
    return f"<p>Share of the labelled images of the split. {key}</p>{_bars(groups, ' %')}"


def _agreement(votes: Mapping[str, Any] | None) -> str:
    if votes is None:
        return ""
    rows = [
        [
            name,
            "-" if entropy is None else f"{entropy:.2f}",
            "-" if share is None else f"{share:.0%}",
        ]
        for name, entropy, share in (
            (name, votes["entropy_bits_by_class"][name], votes["agreement_by_class"][name])
            for name in votes["entropy_bits_by_class"]
        )
    ]
    bars = {f"from {low} bits": {"": n} for low, n in votes["entropy_histogram"].items()}
    return (
        "<h2>Agreement of the voters</h2><p>Entropy of an image's votes over all ten choices: "
        f"0 bits if all agree; {votes['mean_entropy_bits']} on average. Below, the images by "
        "entropy.</p>"
        + table(["class", "mean entropy, bits", "mean share of the top choice"], rows)
        + _bars(bars, "")
    )


def _faces(faces: Mapping[str, Any] | None, apart: bytes) -> str:
    """Describe how faces were cut out, and show images without a single face."""
    line = faces_line(faces)
    if not line:
        return ""
    sheet = image_tag(apart, "images without a single face") if apart else ""
    caption = f"Up to {SAMPLES} of the images that show no face, or several"
    figure = f"<figure><figcaption>{caption}</figcaption>{sheet}</figure>" if sheet else ""
    return f"<h2>Faces</h2><p>{html.escape(line)}</p>{figure}"


def _suspicious(found: Mapping[str, Any]) -> str:
    lists = [
        _list("Unreadable", [f"{path}: {reason}" for path, reason in found["unreadable"].items()]),
        _list("Blank or of a single colour", found["blank"]),
        _list("Not a face, by most votes", found["not a face by votes"]),
    ]
    return "<h2>Suspicious images</h2>" + ("".join(lists) or "<p>None.</p>")


def _duplicates(found: Mapping[str, Any], pairs: bytes) -> str:
    removed = Counter(leak["split"] for leak in found["leaks"])
    names = [
        f"{leak['split']}: {leak['path']} is {leak['duplicate_of']}" for leak in found["leaks"]
    ]
    different = [
        f"{pair['path']} ({pair['label']}) is {pair['of']} ({pair['label_of']})"
        for pair in found["different_labels"]
    ]
    shown = image_tag(pairs, "near duplicates, one above the other") if pairs else ""
    leaks = "No image has a duplicate in a later split (train, validation, test)."
    if removed:
        counts = " and ".join(f"{count:,} from {split}" for split, count in removed.items())
        have = "image has its duplicate" if len(names) == 1 else "images have their duplicates"
        leaks = (
            f"{len(names):,} {have} in a later split (train, validation, test), which makes "
            "metrics look better than they are; <code>emorec prepare-data --drop-leaks</code> "
            f"removes them: {counts}."
        )
    return (
        f"<h2>Near duplicates</h2><p>{found['images']:,} images are in {found['pairs']:,} "
        f"pairs of near duplicates. {leaks}</p>"
        f"{shown}{_list('Removed by --drop-leaks', names)}"
        f"{_list('Near duplicates with different labels', different)}"
    )
