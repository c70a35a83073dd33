"""The command `emorec app`."""

import os
import sys
from pathlib import Path

import click

from emorec.app.tokens import check_token
from emorec.cli.json_output import JsonOutput, json_options
from emorec.cli.parameters import model_file, model_option
from emorec.cli.verbosity import note, warn
from emorec.environment import TOKEN_VARIABLE
from emorec.errors import ConfigError


def _check_token(ctx: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return check_token(value)
    except ConfigError as error:
        raise click.BadParameter(str(error)) from error


@click.command(
    epilog="""\b
Examples:
  emorec app
  emorec app --model emorec-nano --port 9000
  emorec app --no-page --token "$(openssl rand -hex 32)"
"""
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    metavar="ADDRESS",
    help="Address to listen at. Any other than the default lets other computers connect, without "
    "encryption.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="NUMBER",
    help="Port to listen at; 0 is any free one.  [default: 8765, or the next free one]",
)
@click.option("--no-page", is_flag=True, help="Serve the REST interface alone (docs/app-api.md).")
@click.option("--no-browser", is_flag=True, help="Print the address without opening a browser.")
@model_option("The model that the page begins with, as for emorec detect.")
@click.option(
    "--token",
    callback=_check_token,
    metavar="TEXT",
    envvar=TOKEN_VARIABLE,
    show_envvar=True,
    help="The secret that every request must bring, at least 16 characters. The variable hides it "
    "from other users of this computer.  [default: a new random one]",
)
@click.option(
    "--max-video",
    type=click.FloatRange(0, 1024, min_open=True),
    default=4.0,
    show_default=True,
    metavar="GIB",
    help="Size of the largest video that can be uploaded.",
)
@json_options
def app(
    host: str,
    port: int | None,
    no_page: bool,
    no_browser: bool,
    model: Path | None,
    token: str | None,
    max_video: float,
    json_output: JsonOutput,
) -> None:
    """Open a page for photos, camera, videos and labels on this computer.

    Serves the page and a REST interface on 127.0.0.1 until Ctrl-C, and opens the page in the
    browser. Images and videos stay on this computer. The printed address holds a secret, without
    which nothing is answered; the JSON document is written when the server is ready. Needs the
    extra app.
    """
    # A missing package is an error before anything else.
    from emorec.app.limits import AppLimits
    from emorec.app.server import AppSettings, serve

    if not _is_loopback(host):
        warn(
            f"--host {host}: other computers can connect, without encryption (no TLS); whoever "
            "reads the traffic reads the token and the images, and browsers allow cameras only on "
            "this computer or with https"
        )
    found = model_file(model, ("onnx",))
    json_output.check(models=[found])
    settings = AppSettings(
        host=host,
        port=port,
        model=found,
        with_page=not no_page,
        limits=AppLimits(video_bytes=round(max_video * 2**30)),
        **({} if token is None else {"token": token}),
    )

    def ready(address: str) -> None:
        base, _, secret = address.partition("/?token=")
        api = f"{base}/api/v1"
        if not json_output.write({"address": address, "api": api, "token": secret}):
            click.echo(api if no_page else address)
            if no_page and token is None:
                click.echo(f"token: {secret}")
        sys.stdout.flush()
        note("press Ctrl-C to end")
        if not (no_page or no_browser):
            _open_browser(address)

    serve(settings, ready)


def _is_loopback(host: str) -> bool:
    from ipaddress import ip_address

    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _open_browser(address: str) -> None:
    """Open the page, in a thread; a browser of the terminal would take it over."""
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not display:
        return
    import threading
    import webbrowser

    threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
