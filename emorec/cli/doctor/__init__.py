"""The command `emorec doctor`."""

from emorec.cli.doctor.command import doctor

__all__ = ["doctor"]
