"""The command `emorec architectures`."""

import dataclasses

import click

from emorec.cli.json_output import JsonOutput, json_options


@click.command(
    epilog="""\b
Examples:
  emorec architectures
  emorec architectures compact vgg16 --json
"""
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@json_options
def architectures(names: tuple[str, ...], json_output: JsonOutput) -> None:
    """List the architectures that can be trained, with their size and cost.

    Parameters and multiply-adds per image are in millions, for eight emotions and the default input
    size. With NAMEs, only these are listed.
    """
    json_output.check()
    from emorec.modeling.architecture_summary import architecture_summaries, architecture_summary

    found = [architecture_summary(name) for name in names or architecture_summaries()]
    if json_output.write([dataclasses.asdict(each) for each in found]):
        return
    click.echo(
        f"{'':18}{'parameters':>12}{'multiply-adds':>16}{'size':>7}{'smallest':>10}"
        f"{'blocks':>8}  ImageNet"
    )
    for row in found:
        click.echo(
            f"{row.name:18}{row.parameters / 1e6:10.2f} M{row.multiply_adds / 1e6:14.1f} M"
            f"{row.default_size:7}{row.minimum_size:10}{row.blocks:8}  "
            f"{'yes' if row.imagenet else 'no'}"
        )
