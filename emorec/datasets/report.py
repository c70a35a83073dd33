"""Writes what was found in a data set as JSON and as one HTML file with its pictures inside."""

import base64
import html
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from emorec import __version__
from emorec.datasets.inspection import SAMPLES, Inspection
from emorec.datasets.manifest import REPORT_HTML, REPORT_JSON
from emorec.files import write_bytes, write_json

LISTED = 100
"""Most names of a list in the HTML file; the JSON file has all."""

# Okabe and Ito's palette, which colour-blind people can tell apart.
_COLORS = {"train": "#0072B2", "validation": "#E69F00", "test": "#009E73"}

_STYLE = """
body { font: 16px/1.45 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem;
       color: #1b1b1b; background: #fff }
h1, h2 { line-height: 1.2 } h2 { margin-top: 2.5rem }
table { border-collapse: collapse } th, td { padding: .2rem .8rem; text-align: right }
th:first-child, td:first-child { text-align: left } tr:nth-child(even) { background: #f4f4f4 }
thead th, tfoot td { border-bottom: 2px solid #888 } tfoot td { font-weight: 600 }
figure { margin: 1rem 0 } figcaption { font-weight: 600 } img, svg { max-width: 100%; height: auto }
details { margin: .5rem 0 } li { overflow-wrap: anywhere } .key { margin-right: 1.5rem }
.key i { display: inline-block; width: .9em; height: .9em; margin-right: .4em }
"""


def write_report(root: Path, inspection: Inspection, notices: Iterable[str], folder: Path) -> Path:
    """Write report.html and report.json.

    Args:
        root: The data set.
        inspection: What was found in it.
        notices: What its summary says, a line each.
        folder: Where to write.

    Returns:
        The HTML file.

    Raises:
        DataError: They cannot be written.
    """
    notes = list(notices)
    write_json(folder / REPORT_JSON, {**inspection.facts, "notes": notes})
    page = render(root.resolve().name, inspection, notes)
    write_bytes(folder / REPORT_HTML, page.encode())
    return folder / REPORT_HTML


def render(name: str, inspection: Inspection, notes: list[str]) -> str:
    """Give the HTML page; names from the data are escaped, and nothing is loaded from anywhere."""
    facts = inspection.facts
    title = html.escape(f"Data report: {name}")
    policy = f", labels by the policy {html.escape(facts['policy'])}" if facts["policy"] else ""
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\">",
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1><p>{facts['images']:,} images{policy}. emorec {__version__}.</p>",
        _list("Notes of the preparation", notes),
        "<h2>Images by split and class</h2>",
        _counts_table(facts["counts"]),
        "<h2>Class balance</h2>",
        _balance(facts["counts"]),
        _agreement(facts["votes"]),
        f"<h2>Samples</h2><p>Up to {SAMPLES} of each class, chosen at random.</p>",
        *(
            f"<figure><figcaption>{html.escape(label)}</figcaption>{_picture(data, label)}</figure>"
            for label, data in inspection.sheets.items()
        ),
        _suspicious(facts["suspicious"]),
        _duplicates(facts["near_duplicates"], inspection.pairs),
        "</body></html>\n",
    ]
    return "\n".join(parts)


def _picture(data: bytes, alt: str) -> str:
    content = base64.b64encode(data).decode()
    return f'<img alt="{html.escape(alt)}" src="data:image/png;base64,{content}">'


def _list(title: str, lines: list[str]) -> str:
    if not lines:
        return ""
    items = "".join(f"<li>{html.escape(line)}</li>" for line in lines[:LISTED])
    more = f"<p>and {len(lines) - LISTED:,} more in report.json</p>" if len(lines) > LISTED else ""
    opened = " open" if len(lines) <= 10 else ""
    head = f"<summary>{title}: {len(lines):,}</summary>"
    return f"<details{opened}>{head}<ul>{items}</ul>{more}</details>"


def _table(head: list[str], rows: list[list[str]], foot: list[str] | None = None) -> str:
    def row(cells: list[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    body = "".join(row(cells, "td") for cells in rows)
    end = f"<tfoot>{row(foot, 'td')}</tfoot>" if foot else ""
    return f"<table><thead>{row(head, 'th')}</thead><tbody>{body}</tbody>{end}</table>"


def _counts_table(counts: Mapping[str, Mapping[str, int]]) -> str:
    names = list(next(iter(counts.values())))

    def cells(name: str, values: list[int]) -> list[str]:
        return [name, *(f"{value:,}" for value in (*values, sum(values)))]

    return _table(
        ["class", *counts, "all"],
        [cells(n or "no label", [counts[split][n] for split in counts]) for n in names],
        cells("all", [sum(counts[split].values()) for split in counts]),
    )


def _bars(groups: Mapping[str, Mapping[str, float]], unit: str) -> str:
    """Draw horizontal bars, one group a line of bars, as SVG."""
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
        f"0 bits where all agree; {votes['mean_entropy_bits']} on average. Below, the images by "
        "entropy.</p>"
        + _table(["class", "mean entropy, bits", "mean share of the top choice"], rows)
        + _bars(bars, "")
    )


def _suspicious(found: Mapping[str, Any]) -> str:
    lists = [
        _list("Unreadable", [f"{path}: {why}" for path, why in found["unreadable"].items()]),
        _list("Blank or of one colour", found["blank"]),
        _list("Not a face, by most votes", found["not a face by votes"]),
    ]
    return "<h2>Suspicious images</h2>" + ("".join(lists) or "<p>None.</p>")


def _duplicates(found: Mapping[str, Any], pairs: bytes) -> str:
    leaking = [f"{leak['path']} is {leak['duplicate_of']}" for leak in found["leaks"]]
    picture = _picture(pairs, "near duplicates, one above the other") if pairs else ""
    return (
        f"<h2>Near duplicates</h2><p>{found['images']:,} images are in {found['pairs']:,} "
        f"pairs that show the same picture. {len(leaking):,} images have theirs in a later split "
        "(train, validation, test), which makes measurements look better than they are; "
        "<code>emorec prepare-data --drop-leaks</code> takes them out.</p>"
        f"{picture}{_list('Across splits', leaking)}"
    )
