"""The settings of a training from the options of a command."""

from collections.abc import Container
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emorec.cli.verbosity import note
from emorec.short_repr import short_repr

if TYPE_CHECKING:
    from emorec.training.config import TrainConfig

NO_SETTINGS = (
    "data",
    "config",
    "recipe",
    "out",
    "resume",
    "folds",
    "distribute",
    "assignments",
    "as_json",
    "json_file",
    "augment",
    "dry_run",
    "tensorboard",
    "track",
    "trials",
    "seconds",
    "objective",
    "space",
    "pruning",
)
"""Parameters of the command that are not settings of a run."""


def settings_of(ctx: click.Context, assignments: tuple[str, ...]) -> dict[str, Any]:
    """Convert command-line options to settings of the run.

    Raises:
        ConfigError: The label map cannot be read.
    """
    settings = {
        name: value
        for name, value in ctx.params.items()
        if name not in NO_SETTINGS
        # An absent option is None, or an empty tuple if it can be repeated.
        and value not in (None, ())
    }
    if ctx.params["label_map"] is not None:
        from emorec.training.strict_yaml import read_label_map

        settings["label_map"] = read_label_map(Path(ctx.params["label_map"]))
    if ctx.params["augment"] is False:
        from emorec.training.config_groups import NO_AUGMENTATION

        settings["augmentation"] = NO_AUGMENTATION
    for assignment in assignments:
        name, sign, text = assignment.partition("=")
        if not sign or not name:
            raise click.UsageError(
                f"--set needs KEY=VALUE, such as augmentation.zoom=0.1; received {assignment!r}"
            )
        from emorec.training import strict_yaml

        try:
            settings[name.strip()] = strict_yaml.parse(text)
        except ValueError as error:
            raise click.UsageError(
                f"--set {name:.40}: {short_repr(text)} is not a YAML value: {error}"
            ) from None
    return settings


def option_of(ctx: click.Context, key: str) -> str:
    """Return the option that has set a setting of the run."""
    assigned = {assignment.partition("=")[0].strip() for assignment in ctx.params["assignments"]}
    if key in assigned:
        return f"--set {key}"
    names = {parameter.name: parameter.opts[0] for parameter in ctx.command.params}
    return names.get(key, "--no-augment")


def resolve_settings(
    ctx: click.Context,
    assignments: tuple[str, ...],
    config: Path | None,
    recipe: str | None,
    data: Path,
) -> tuple["TrainConfig", str | None, dict[str, Any]]:
    """Read the settings of a new training, before Keras is loaded, so that errors come at once.

    Args:
        ctx: Context of the command, which has the options of `setting_options`.
        assignments: Values of --set.
        config: File of settings.
        recipe: Name of a shipped file instead.
        data: Folder of the data set.

    Returns:
        The settings; the recipe, which the weights and the data may have chosen; and the settings
        that options name.

    Raises:
        click.UsageError: Both files are named, or an option is invalid.
        ConfigError: A setting is invalid.
        DataError: The data set is missing or not prepared.
        ModelError: A model that a setting names is missing or damaged.
    """
    if config and recipe:
        raise click.UsageError("--config and --recipe exclude each other")
    from emorec.datasets.manifest import require_prepared
    from emorec.training.config import load_config
    from emorec.training.initial_model import default_recipe, head_of_data
    from emorec.training.model_files import with_model_files

    overrides = settings_of(ctx, assignments)
    if not (config or recipe) and (default := default_recipe(overrides, data)):
        recipe = default.name
        note(default.reason)
    settings = load_config(config, overrides, partial(option_of, ctx), recipe=recipe)
    require_prepared(data, settings.group_by)
    settings = with_model_files(settings)
    if head := head_of_data(settings, data):
        note(head.to_text())
    return settings, recipe, overrides


def refuse_settings(ctx: click.Context, allowed: Container[str], kind: str) -> None:
    """Refuse options that --resume would ignore: what is resumed keeps its own settings.

    Args:
        ctx: Context of the command.
        allowed: Parameters that --resume accepts.
        kind: What is resumed, such as "run".

    Raises:
        click.UsageError: Another option was received.
    """
    for parameter in ctx.command.params:
        name = str(parameter.name)
        received = ctx.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT
        if received and parameter.expose_value and name not in allowed:
            raise click.UsageError(
                f"--resume keeps the settings of the {kind}; received {parameter.opts[0]}, which "
                f"needs a new {kind}"
            )
