"""The command `emorec datasets`."""

import dataclasses

import click

from emorec.cli.json_output import JsonOutput, json_options


@click.command(epilog="Example: emorec datasets")
@json_options
def datasets(json_output: JsonOutput) -> None:
    """List published data sets with source, terms of use and prepare command.

    emorec downloads no data: most of these data sets require you to accept their terms first.
    """
    json_output.check()
    from emorec.datasets.published import PUBLISHED

    if json_output.write([dataclasses.asdict(entry) for entry in PUBLISHED]):
        return
    for entry in PUBLISHED:
        click.secho(entry.name, bold=True)
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
