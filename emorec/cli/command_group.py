"""A group of commands: suggestions for unknown names, and what all its commands have in common."""

import os
from collections.abc import Mapping

import click

from emorec.cli.verbosity import with_options
from emorec.suggestions import close_names


class CommandGroup(click.Group):
    """A group whose message on an unknown command names the command that was probably meant.

    Its commands take the options of `emorec.cli.verbosity`.

    Attributes:
        synonyms: Command by another word for it, such as "detect" for "predict".
    """

    synonyms: Mapping[str, str] = {}

    def find_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command as its module defines it; None if there is none of this name."""
        return super().get_command(ctx, cmd_name)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command with the options that all have; None if there is none of this name."""
        command = self.find_command(ctx, cmd_name)
        return None if command is None else with_options(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Resolve the command that the first argument names, as click does."""
        name = args[0]
        known = self.list_commands(ctx)
        # click itself handles options in the place of a command.
        if name not in known and not name.startswith("-") and not ctx.resilient_parsing:
            ctx.fail(f"No such command {name!r:.80}. {self.suggestion(ctx, name)}")
        found, command, rest = super().resolve_command(ctx, args)
        if any(word.startswith("--json") for word in rest) and not ctx.resilient_parsing:
            from emorec.cli.json_output import refuse_value_of_flag

            assert command is not None
            refuse_value_of_flag(command, click.Context(command, ctx, found), rest)
        return found, command, rest

    def suggestion(self, ctx: click.Context, name: str) -> str:
        """Return what to type for an unknown command."""
        known = self.list_commands(ctx)
        meant = self.synonyms.get(name.lower())
        close = [meant] if meant else close_names(name, known)
        if close:
            return f"Did you mean {close[0]!r}?"
        # The name of a command has no dot.
        if "detect" in known and ("." in name or os.path.lexists(name)):
            from emorec.shell_words import quoted  # for this message alone

            command = f"{ctx.command_path} detect {quoted(name)}"
            return f"To detect the faces in this file: {command}"
        return f"Known commands: {', '.join(known)}"
