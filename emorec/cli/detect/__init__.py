"""The command `emorec detect`."""

from emorec.cli.detect.command import detect

__all__ = ["detect"]
