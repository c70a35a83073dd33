"""Command-line options that choose a face detector, generated from the table of detectors."""

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from emorec.cli.parameters import Choice
from emorec.detection.registry import (
    DEFAULT_DETECTOR,
    DETECTORS,
    DetectorOption,
    detector_entry,
    make_detector,
)
from emorec.environment import DETECTOR_VARIABLE

if TYPE_CHECKING:
    from emorec.detection.base import FaceDetector

Variants = dict[str, DetectorOption]
"""One option by the name of each detector that has it."""


def _variants() -> dict[str, Variants]:
    """Group the options of all detectors by option name."""
    found: dict[str, Variants] = {}
    for entry in DETECTORS.values():
        for option in entry.options:
            found.setdefault(option.name, {})[entry.name] = option
    return found


_VARIANTS = _variants()


@dataclass(frozen=True)
class DetectorOptions:
    """The chosen detector and its options.

    Attributes:
        detector: Name of the detector.
        values: Values of this detector's options that are set, by option name.
    """

    detector: str
    values: Mapping[str, Any]

    def build(self, for_video: bool = False) -> "FaceDetector":
        """Make the detector; see `make_detector`.

        Args:
            for_video: Use the defaults for the frames of videos.

        Raises:
            EmorecError: As `make_detector`.
        """
        return make_detector(self.detector, for_video=for_video, **self.values)

    def require_landmarks(self, options: Mapping[str, bool]) -> None:
        """Check that the detector returns the landmarks that options need.

        Args:
            options: Whether each of these options is in use.

        Raises:
            click.UsageError: One is, and the detector returns no landmarks.
        """
        if DETECTORS[self.detector].landmarks:
            return
        others = " or ".join(name for name, entry in DETECTORS.items() if entry.landmarks)
        for option, in_use in options.items():
            if in_use:
                raise click.UsageError(
                    f"{option} needs landmarks, which --detector {self.detector} does not return; "
                    f"use --detector {others}"
                )

    def inputs(self) -> list[Path]:
        """List the files of the user that the detector reads."""
        return [
            Path(self.values[option.name])
            for option in detector_entry(self.detector).options
            if option.type is Path
            and option.name in self.values
            and self.values[option.name] not in option.names
        ]


def detector_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of the detectors to a command, which receives them as `choice`."""

    @functools.wraps(command)
    def with_choice(*, detector: str, **options: Any) -> Any:
        values = {name: options.pop(name) for name in _VARIANTS}
        detector = _detector_with_options(detector)
        own = {
            name: values[name]
            for name, variants in _VARIANTS.items()
            if detector in variants and values[name] is not None
        }
        return command(choice=DetectorOptions(detector, own), **options)

    for name, variants in reversed(_VARIANTS.items()):
        with_choice = _click_option(name, variants)(with_choice)
    return click.option(
        "--detector",
        type=Choice(list(DETECTORS)),
        default=DEFAULT_DETECTOR,
        show_default=True,
        envvar=DETECTOR_VARIABLE,
        show_envvar=True,
        help=" ".join(f"{entry.name}: {entry.help}" for entry in DETECTORS.values())
        + " An option that the default lacks selects the detector that has it.",
    )(with_choice)


def _detector_with_options(detector: str) -> str:
    """Return the detector, or without --detector the one that has the given options.

    Raises:
        UsageError: An option belongs to another detector.
    """
    given = [name for name in _VARIANTS if _is_given(name)]
    if not _is_given("detector"):
        fitting = (
            name
            for name in (detector, *DETECTORS)
            if all(name in _VARIANTS[option] for option in given)
        )
        detector = next(fitting, detector)
    for option in given:
        if detector not in _VARIANTS[option]:
            others = " or ".join(_VARIANTS[option])
            raise click.UsageError(
                f"{_flag(option)} goes with --detector {others}, not with {detector}"
            )
    return detector


def _is_given(parameter: str) -> bool:
    source = click.get_current_context().get_parameter_source(parameter)
    return source is ParameterSource.COMMANDLINE


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _click_option(name: str, variants: Variants) -> Callable[[Any], Any]:
    """Make one command-line option of the variants that the detectors have of it."""
    first = next(iter(variants.values()))
    help_text = _help(variants)
    if first.type is bool:
        return click.option(_flag(name), is_flag=True, help=help_text)
    # Detectors with different defaults fill in their own; the help lists them.
    default = first.default if len(variants) == 1 else None
    return click.option(
        _flag(name),
        type=_click_type(list(variants.values())),
        default=default,
        show_default=default is not None,
        metavar=first.metavar,
        help=help_text,
    )


def _click_type(options: list[DetectorOption]) -> Any:
    first = options[0]
    if first.type is Path:
        return str if first.names else click.Path(readable=False, path_type=Path)
    limits = {(option.minimum, option.maximum) for option in options}
    if len(limits) > 1 or limits == {(None, None)}:
        return first.type  # the detector checks its own range
    if first.type is int:
        low, high = (None if limit is None else int(limit) for limit in limits.pop())
        return click.IntRange(low, high)
    return click.FloatRange(first.minimum, first.maximum)


def _help(variants: Variants) -> str:
    """Describe an option: "haar, yunet: TEXT  [default: no limit for yunet, ... for haar]"."""
    texts = {option.help for option in variants.values()}
    if len(texts) == 1:
        text = f"{', '.join(variants)}: {texts.pop()}"
    else:
        text = " ".join(f"{detector}: {option.help}" for detector, option in variants.items())
    if len(variants) == 1:
        default_text = next(iter(variants.values())).default_text
    else:
        default_text = "; ".join(
            f"{detector}: {option.default_text or option.default}"
            for detector, option in variants.items()
        )
    return f"{text}  [default: {default_text}]" if default_text else text
