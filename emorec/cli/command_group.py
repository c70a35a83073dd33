"""A group of commands that suggests a command for an unknown name."""

import os
from collections.abc import Mapping

import click

from emorec.suggestions import close_names


class CommandGroup(click.Group):
    """A group whose message on an unknown command names the command that was probably meant.

    Attributes:
        synonyms: Command by another word for it, such as "detect" for "predict".
    """

    synonyms: Mapping[str, str] = {}

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve the command that the first argument names, as click does."""
        name = args[0]
        known = self.list_commands(ctx)
        # click itself handles options in the place of a command.
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"No such command {name!r:.80}. {self.suggestion(ctx, name)}")
        return super().resolve_command(ctx, args)

    def suggestion(self, ctx: click.Context, name: str) -> str:
        """Return what to type for an unknown command."""
        known = self.list_commands(ctx)
        meant = self.synonyms.get(name.lower())
        close = [meant] if meant else close_names(name, known)
        if close:
            return f"Did you mean {close[0]!r}?"
        # The name of a command has no dot.
        if "detect" in known and ("." in name or os.path.lexists(name)):
            import shlex  # for this message alone

            command = f"{ctx.command_path} detect {shlex.quote(name)}"
            return f"To detect the faces in this file: {command}"
        return f"Known commands: {', '.join(known)}"
