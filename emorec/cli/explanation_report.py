"""Reports the results of `emorec explain`: the table of faces, problems, figures and JSON."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec import __version__
from emorec.cli.terminal_text import one_line
from emorec.evaluation.explain import OCCLUSION, UNITS
from emorec.outputs.records import Record, image_record

if TYPE_CHECKING:
    from emorec.evaluation.explain import Explanation
    from emorec.frames import Frame
    from emorec.inference.recognizer import EmotionRecognizer
    from emorec.types import FaceEmotion

SCHEMA_VERSION = 1
"""Raised with every change of the fields of the document; docs/explain.md lists them."""


class ExplanationReport:
    """Prints the faces of each image, and collects the document of all.

    Args:
        recognizer: Detector and model.
        names: Names of all images.
        shows_table: Print the table.

    Attributes:
        failed: Whether an image could not be read or explained, or a figure not written.
    """

    def __init__(
        self, recognizer: "EmotionRecognizer", names: Sequence[str], shows_table: bool
    ) -> None:
        self.failed = False
        self._recognizer = recognizer
        self._shows_table = shows_table
        self._images: list[Record] = []
        self._figures: list[Path] = []
        files = max((len(one_line(name)) for name in names), default=4)
        emotions = max(map(len, recognizer.labels))
        self._row = f"{{:{files}}}  {{:>4}}  {{:22}}  {{:{emotions}}}  {{:>11}}  {{:>7}}  {{}}"
        self._has_header = False

    def add(
        self,
        name: str,
        frame: "Frame",
        faces: Sequence["FaceEmotion"],
        found: Mapping[int, "Explanation"],
        figure: Path | None,
    ) -> None:
        """Report an image.

        Args:
            name: Its name.
            frame: Its pixels.
            faces: Its faces.
            found: The explanations by the index of the face.
            figure: The written figure; None if there is none.
        """
        record = image_record(name, frame.size_wh, faces)
        for index, face in enumerate(record["faces"]):
            face["explanation"] = found[index].to_dict() if index in found else None
        self._images.append(record | {"figure": figure and str(figure)})
        if figure is not None:
            self._figures.append(figure)
        if self._shows_table:
            for cells in _rows(found) if faces else [("-", "no face", "", "", "", "")]:
                self._print(one_line(name), *cells)

    def add_unreadable(self, name: str, problem: str) -> None:
        """Report an image that cannot be read."""
        self._images.append(image_record(name, None, [], error=problem) | {"figure": None})
        self.add_problem(problem)

    def add_problem(self, message: str) -> None:
        """Print what could not be done; the other images are still explained."""
        click.echo(f"error: {one_line(message)}", err=True)
        self.failed = True

    def document(self, method: str, patch: float) -> dict[str, Any]:
        """Return the document of all images, of native types.

        Args:
            method: The method in use.
            patch: The patch of occlusion.
        """
        metadata = self._recognizer.metadata
        return {
            "schema_version": SCHEMA_VERSION,
            "emorec_version": __version__,
            "model": {
                "name": metadata.name,
                "version": metadata.version,
                "labels": list(self._recognizer.labels),
            },
            **self._recognizer.settings,
            "method": method,
            "unit": UNITS[method],
            "patch": patch if method == OCCLUSION else None,
            "images": self._images,
        }

    def list_figures(self) -> None:
        """Print the names of the written figures."""
        for figure in self._figures:
            click.echo(f"wrote {one_line(str(figure))}")

    def _print(self, *cells: object) -> None:
        if not self._has_header:
            self._has_header = True
            self._print("file", "face", "box", "emotion", "probability", "covered", "heat")
        click.echo(self._row.format(*cells).rstrip())


def _rows(found: Mapping[int, "Explanation"]) -> Iterator[tuple[object, ...]]:
    """Yield the cells of each explained face: number, box, emotion, probabilities and parts."""
    for index, entry in found.items():
        box, least = entry.face.box, entry.least_probability
        parts = sorted((entry.parts or {}).items(), key=lambda part: -part[1])
        yield (
            index + 1,
            f"{box.x},{box.y} {box.width}x{box.height}",
            one_line(entry.emotion),
            _percent(entry.probability),
            "" if least is None else _percent(least),
            ", ".join(f"{name} {share:.0%}" for name, share in parts),
        )


def _percent(probability: float) -> str:
    return "< 0.1%" if 0 < probability < 0.001 else f"{probability:.1%}"
