"""The command `emorec datasets`."""

import dataclasses

import click

from emorec.cli.json_output import JsonOutput, json_options
from emorec.errors import ConfigError


@click.command(epilog="Example: emorec datasets rafdb")
@click.argument("names", metavar="[NAME]...", nargs=-1)
@json_options
def datasets(names: tuple[str, ...], json_output: JsonOutput) -> None:
    """List published data sets with source, terms of use and prepare command.

    NAME limits the list to this data set. emorec downloads no data: most of these data sets require
    you to accept their terms first.
    """
    json_output.check()
    from emorec.datasets.published import PUBLISHED

    by_key = {entry.key: entry for entry in PUBLISHED}
    for name in names:
        if name not in by_key:
            from emorec.suggestions import unknown_name

            raise ConfigError(unknown_name("data set", name, by_key))
    entries = [by_key[name] for name in names or by_key]
    if json_output.write([dataclasses.asdict(entry) for entry in entries]):
        return
    for entry in entries:
        click.secho(f"{entry.key}: {entry.name}", bold=True)
        rows = (
            ("holds", entry.holds),
            *(("from", place) for place in entry.places),
            ("terms", entry.terms),
            ("size", entry.size),
            ("on disk", entry.looks_like),
            ("prepare", entry.command),
        )
        for name, text in rows:
            click.echo(f"  {name:<8} {text}")
        click.echo()
