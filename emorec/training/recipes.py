"""Finds the shipped configuration files: one for each architecture, and the named recipes."""

from pathlib import Path

from emorec import resources
from emorec.errors import ConfigError
from emorec.suggestions import close_names, unknown_name


def default_config_path(arch: str) -> Path | None:
    """Return the path of the shipped configuration of an architecture, or None."""
    return _files().get(arch.lower())


def recipe_path(name: str, arch: str | None = None) -> Path:
    """Return the path of a recipe: configs/NAME.yaml, or configs/NAME-ARCH.yaml.

    Args:
        name: Name of the recipe, such as "quick" or "laptop".
        arch: Architecture of the run, if it was chosen.

    Raises:
        ConfigError: There is no such recipe, or it needs another architecture.
    """
    files, key = _files(), name.lower()
    of_architecture = {
        stem.removeprefix(f"{key}-"): path
        for stem, path in files.items()
        if stem.startswith(f"{key}-")
    }
    if arch and arch.lower() in of_architecture:
        return of_architecture[arch.lower()]
    if key in files:
        return files[key]
    if of_architecture:
        *_, example = of_architecture
        received = f"received --arch {arch}" if arch else f"add --arch, such as --arch {example}"
        raise ConfigError(
            f"the recipe {name!r} is for the architectures {', '.join(of_architecture)}; {received}"
        )
    raise ConfigError(unknown_name("recipe", name, files))


def similar_recipe(name: str) -> str | None:
    """Return the recipe that was meant by the name of a missing file, such as "quick.yaml"."""
    return next(iter(close_names(Path(name).stem, _files())), None)


def _files() -> dict[str, Path]:
    return {path.stem: path for path in sorted(resources.folder("configs").glob("*.yaml"))}
