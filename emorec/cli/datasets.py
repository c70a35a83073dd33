"""The command `emorec datasets`."""

import dataclasses
import json

import click


@click.command(epilog="Example: emorec datasets")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
def datasets(as_json: bool) -> None:
    """List published data sets with source, terms of use and prepare command.

    emorec downloads no data: most of these data sets require you to accept their terms first.
    """
    from emorec.datasets.published import PUBLISHED

    if as_json:
        entries = [dataclasses.asdict(entry) for entry in PUBLISHED]
        click.echo(json.dumps(entries, indent=2, ensure_ascii=False))
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
