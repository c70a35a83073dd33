"""The command `emorec doctor`."""

import dataclasses

import click

from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.terminal_text import one_line
from emorec.errors import EmorecError


@click.command(epilog="Examples: emorec doctor; emorec doctor --deep --json")
@click.option(
    "--deep", is_flag=True, help="Import each Keras backend and list its devices; takes longer."
)
@json_options
def doctor(deep: bool, json_output: JsonOutput) -> None:
    """Diagnose this installation and suggest fixes.

    Checks versions, model and detector files with their SHA-256, accelerators and backends. The
    exit code is 1 if something is wrong; notes do not change it.
    """
    json_output.check()
    from emorec.cli.doctor.check import WRONG
    from emorec.cli.doctor.checks import checks

    found = []
    group = ""
    for check in checks(deep):
        found.append(check)
        if json_output.printed:
            continue
        if check.group != group:
            group = check.group
            click.secho(group, bold=True)
        color = {"wrong": "red", "note": "yellow"}.get(check.state)
        mark = click.style(f"{check.state:<5}", fg=color, bold=color is not None)
        click.echo(f"  {mark}  {check.name:<20}  {one_line(check.found)}")
        if check.fix:
            click.echo(f"  {'':5}  {'':20}  -> {one_line(check.fix)}")
    wrong = [check for check in found if check.state == WRONG]
    report = {"healthy": not wrong, "checks": [dataclasses.asdict(check) for check in found]}
    if not json_output.write(report):
        names = ", ".join(f"{check.group} {check.name}" for check in wrong)
        click.echo(f"wrong: {names}" if wrong else "nothing is wrong")
    if wrong:
        click.get_current_context().exit(EmorecError.exit_code)
