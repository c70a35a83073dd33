"""The command `emorec architectures`."""

import dataclasses
import json

import click


@click.command(
    epilog="""\b
Examples:
  emorec architectures
  emorec architectures compact vgg16 --json
"""
)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def architectures(names: tuple[str, ...], as_json: bool) -> None:
    """List the nets that can be trained, with their size and cost.

    Each is built to be counted, at its default size and for eight emotions: parameters in millions,
    multiply-adds for one image in millions. Name some to see only those.
    """
    from emorec.cli.keras_backend import load_keras

    load_keras()
    from emorec.cli.progress import image_progress
    from emorec.modeling.architectures import ARCHITECTURES, architecture
    from emorec.modeling.complexity import complexity

    chosen = [architecture(name) for name in names or ARCHITECTURES]
    found = []
    with image_progress("architectures") as report:
        for number, each in enumerate(chosen):
            report(number, len(chosen))
            found.append(complexity(each))
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(each) for each in found], indent=2))
        return
    click.echo(
        f"{'':18}{'parameters':>12}{'multiply-adds':>16}{'size':>7}{'smallest':>10}"
        f"{'blocks':>8}  ImageNet"
    )
    for net in found:
        click.echo(
            f"{net.name:18}{net.parameters / 1e6:10.2f} M{net.multiply_adds / 1e6:14.1f} M"
            f"{net.default_size:7}{net.minimum_size:10}{net.blocks:8}  "
            f"{'yes' if net.imagenet else 'no'}"
        )
