"""Advice on a command line that click rejects: the option that was meant, or an example."""

import re

import click

from emorec.suggestions import close_names

_MEANT = {
    "--architecture": ("--arch",),
    "--backbone": ("--arch",),
    "--batch": ("--batch-size",),
    "--bs": ("--batch-size",),
    "--camera": ("SOURCE",),
    "--cam": ("SOURCE",),
    "--conf": ("--min-confidence",),
    "--confidence": ("--min-confidence",),
    "--continue": ("--resume",),
    "--cuda": ("--device",),
    "--dataset": ("--data",),
    "--destination": ("--out",),
    "--file": ("SOURCE", "MODEL", "FILE"),
    "--folder": ("SOURCE", "--data"),
    "--gpu": ("--device",),
    "--image": ("SOURCE",),
    "--images": ("SOURCE",),
    "--img": ("SOURCE",),
    "--img-size": ("--image-size",),
    "--imgsz": ("--image-size",),
    "--input": ("SOURCE", "DATA", "MODEL", "--data"),
    "--lr": ("--learning-rate",),
    "--model": ("--arch", "MODEL"),
    "--models": ("MODEL",),
    "--network": ("--arch",),
    "--output": ("--out",),
    "--path": ("SOURCE", "DATA", "--data"),
    "--photo": ("SOURCE",),
    "--photos": ("SOURCE",),
    "--pretrained": ("--weights",),
    "--size": ("--image-size",),
    "--source": ("SOURCE",),
    "--test": ("--split",),
    "--threshold": ("--min-confidence",),
    "--val": ("--split",),
    "--video": ("SOURCE",),
    "--webcam": ("SOURCE",),
    "-d": ("--data",),
    "-i": ("SOURCE", "--data"),
    "-m": ("--model", "MODEL", "--arch"),
    "-o": ("--out",),
}
"""Options and arguments by other words for them; the first one that the command has is meant."""

_DEVICES_OF_TRAINING = (
    "Training uses the devices of the Keras backend; `emorec doctor --deep` lists them."
)
_WITHOUT_OPTION = {"--cuda": _DEVICES_OF_TRAINING, "--gpu": _DEVICES_OF_TRAINING}

_CAMERAS = ("--camera", "--cam", "--webcam")


def with_advice(error: click.UsageError, ctx: click.Context) -> click.UsageError:
    """Return an error with what to type instead in its message.

    Args:
        error: What click raised.
        ctx: The context of the command, for errors without one.

    Returns:
        An error with a context; `error` itself if there is no advice.
    """
    ctx = error.ctx or ctx
    command = ctx.command
    if isinstance(error, click.NoSuchOption):
        advice = _option_meant(error.option_name, command)
        message = error.message
    elif isinstance(error, click.BadOptionUsage):
        advice, message = _use_of_option(error.option_name, ctx), error.message
    elif isinstance(error, click.MissingParameter) or (
        error.message.startswith("Got unexpected extra argument")
    ):
        example = example_of(command)
        advice = f"Example: {example}" if example else ""
        message = error.format_message()
    else:
        return error
    return click.UsageError(f"{message.rstrip('.')}. {advice}".rstrip(), ctx)


def _use_of_option(name: str, ctx: click.Context) -> str:
    """Return an example of an option, or the option with what it takes."""
    example = example_of(ctx.command, name)
    if name in example:
        return f"Example: {example}"
    metavars = [each.make_metavar(ctx) for each in ctx.command.params if name in each.opts]
    return f"Write: {name} {metavars[0]}" if metavars else ""


def _option_meant(name: str, command: click.Command) -> str:
    known = [
        text for each in command.params if isinstance(each, click.Option) for text in each.opts
    ]
    arguments = [
        str(each.metavar or each.name).strip(".[]").upper()
        for each in command.params
        if isinstance(each, click.Argument)
    ]
    for meant in _MEANT.get(name, ()):
        if meant in known:
            return f"Did you mean {meant!r}?"
        if meant in arguments:
            example = example_of(command, " 0 " if name in _CAMERAS else "")
            return f"A {meant} is named without an option. Example: {example}"
    if name in _WITHOUT_OPTION and any("--epochs" in each.opts for each in command.params):
        return _WITHOUT_OPTION[name]
    plain = {option.lstrip("-"): option for option in known}
    close = close_names(name.lstrip("-"), plain)
    return "".join(f"Did you mean {plain[found]!r}?" for found in close)


def example_of(command: click.Command, containing: str = "") -> str:
    """Return an example of a command from the end of its help, on one line.

    Args:
        command: The command.
        containing: Text of the example, such as an option; if none has it, the first example is
            returned.

    Returns:
        The example; "" for a group of commands, and for a command without an example.
    """
    if isinstance(command, click.Group):
        return ""  # those of its commands are more helpful
    text = re.sub(r"\s*\\\n\s*", " ", command.epilog or "")
    examples: list[str] = re.findall(r"\bemorec [^\n;]*[^\n; ]", text)
    fitting = [example for example in examples if containing in example]
    return (fitting or examples or [""])[0]
