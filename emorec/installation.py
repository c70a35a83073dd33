"""What emorec requires, which extra brings a package, and how to install it from its origin."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emorec.errors import MissingDependencyError
from emorec.shell_words import quoted

# Other modules are imported in the functions: only errors need them.

_PACKAGE = Path(__file__).resolve().parent

_DISTRIBUTIONS = {"cv2": "opencv-python", "mlflow": "mlflow-skinny", "yaml": "pyyaml"}
"""Distributions by the name of their module, where the two differ."""

_EXTRAS_OF_BACKENDS = {"tensorflow": "train", "jax": "jax", "torch": "torch"}

_OLDEST_MINOR = 11
"""Python 3.11 is the oldest that `requires-python` allows; markers exclude only newer ones."""

_INNER_EXTRAS = ("dev", "docs", "keras", "notebooks")
"""Extras that are no answer to "what do I install?": for developers and readers, or without a
backend."""


def pip_command() -> str:
    """Return how a shell calls the pip of this Python: by its name only where that is found."""
    import shutil

    found = shutil.which("pip")
    if found and Path(found).parent == Path(sys.executable).parent:
        return "pip"
    return f"{quoted(sys.executable)} -m pip"


def install_command(extra: str = "", options: str = "") -> str:
    """Return the command that installs emorec, or an extra of it, as it is installed now.

    A checkout is installed from its folder and an archive from its address: the name "emorec" on a
    package index may be unknown, or belong to somebody else. An editable install stays one.

    Args:
        extra: Name of an extra; "" for emorec alone.
        options: Further options of pip, e.g. "--force-reinstall".
    """
    pip = f"{pip_command()} install {options}".rstrip()
    brackets = f"[{extra}]" if extra else ""
    origin = _origin()
    address, folder_info = str(origin.get("url", "")), origin.get("dir_info")
    folder = ""
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        folder = str(_PACKAGE.parent)
    elif folder_info is not None and address.startswith("file://"):
        from urllib.request import url2pathname

        folder = url2pathname(address.removeprefix("file://"))
    if folder:
        editable = isinstance(folder_info, dict) and folder_info.get("editable")
        option = "-e " * bool(editable)
        if sys.platform == "win32":  # PowerShell 5 has no &&
            return f"{pip} {option}{quoted(f'{folder}{brackets}')}"
        return f"cd {quoted(folder)} && {pip} {option}{quoted(f'.{brackets}')}"
    if address:
        if isinstance(vcs_info := origin.get("vcs_info"), dict):
            address = f"{vcs_info.get('vcs')}+{address}"
        return f"{pip} {quoted(f'emorec{brackets} @ {address}')}"
    return f"{pip} {quoted(f'emorec{brackets}')}"


def reinstall_command() -> str:
    """Return the command that replaces damaged or missing files of emorec itself."""
    return install_command(options="--force-reinstall --no-deps")


def extra_for(package: str) -> str | None:
    """Return the smallest extra that installs a package.

    Of the extras with a Keras backend, that of the backend in use counts.

    Args:
        package: Name of a module, or of a distribution.

    Returns:
        The extra; "" for a package that every installation has; None for one that emorec does not
        require.
    """
    if package == "packaging":
        return ""  # it reads the requirements below
    from packaging.utils import canonicalize_name

    name = canonicalize_name(_DISTRIBUTIONS.get(package, package))
    packages = _packages_by_extra()
    if name in packages[""]:
        return ""
    in_use = _EXTRAS_OF_BACKENDS.get(os.environ.get("KERAS_BACKEND", ""), "train")
    others = {*_EXTRAS_OF_BACKENDS.values()} - {in_use}
    inner = {*_INNER_EXTRAS}
    if name in packages.get("keras", ()):
        # Extras such as tune add to an installation that can train; they have no backend.
        inner |= {
            extra
            for extra in packages
            if packages["keras"] <= packages[extra] and extra not in _EXTRAS_OF_BACKENDS.values()
        }
    found = [extra for extra in packages if name in packages[extra] and extra not in inner]
    return min(found, key=lambda extra: (extra in others, len(packages[extra])), default=None)


def supported_pythons(package: str) -> str | None:
    """Return the versions of Python for which emorec can have a package, e.g. "3.11 to 3.13".

    Args:
        package: Name of a module, or of a distribution.

    Returns:
        The versions; None if this Python is among them, or the package is not required.
    """
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    name = canonicalize_name(_DISTRIBUTIONS.get(package, package))
    found: set[int] = set()
    for requirement in map(Requirement, requirements()):
        marker = requirement.marker
        if canonicalize_name(requirement.name) != name or marker is None:
            continue
        for extra in extras_in(str(marker)):
            if marker.evaluate({"extra": extra}):
                return None
            found |= {
                minor
                for minor in range(_OLDEST_MINOR, 100)
                if marker.evaluate({"extra": extra, "python_version": f"3.{minor}"})
            }
    return f"3.{min(found)} to 3.{max(found)}" if found else None


def without_wheel(package: str, versions: str) -> str:
    """Explain that a package has no wheel for this Python, and what helps.

    Args:
        package: Name of the package.
        versions: The versions that have one, of `supported_pythons`.
    """
    import packaging.markers

    this = packaging.markers.default_environment()["python_version"]
    text = f"Python {versions}: {package} has no wheel for {this}; install such a Python"
    others = [name for name in _EXTRAS_OF_BACKENDS if supported_pythons(name) is None]
    if package not in _EXTRAS_OF_BACKENDS or not others:
        return text
    install = install_command(_EXTRAS_OF_BACKENDS[others[0]])
    return f"{text}, or the Keras backend {others[0]}: {install}, and set KERAS_BACKEND={others[0]}"


def requirements() -> list[str]:
    """Return the requirements of emorec with those of its extras, as in the metadata of a wheel.

    They are empty if emorec is neither installed nor run from a checkout.
    """
    import importlib.metadata

    try:
        return importlib.metadata.requires("emorec") or []
    except importlib.metadata.PackageNotFoundError:
        return _requirements_of_checkout(_PACKAGE.parent / "pyproject.toml")


def missing_package(
    error: ModuleNotFoundError, caller: str = "this command"
) -> MissingDependencyError | None:
    """Convert the error of an import to one that says what to install.

    Args:
        error: What the import raised.
        caller: What needs the package, for the message.

    Returns:
        The error; None if emorec does not require the package, which is a bug.
    """
    name, needs = error.name or "", caller
    extra = extra_for(name)
    if extra is None and "." not in name:
        # A package of another package, such as msgpack of ray.
        needs = _importer(error)
        extra = extra_for(needs)
    if extra is None:
        return None
    if (unavailable := _without_wheel_in(extra)) is not None:
        message = f"{needs} needs {without_wheel(*unavailable)}"
    elif not extra and needs == caller:
        message = f"the package {name!r} is missing; reinstall emorec: {install_command()}"
    elif name == os.environ.get("KERAS_BACKEND"):
        message = (
            f"KERAS_BACKEND is {name!r}, which is not installed; install it with: "
            f"{install_command(extra)}, or unset KERAS_BACKEND"
        )
    else:
        message = f"{needs} needs the package {name!r}; install it with: {install_command(extra)}"
    return MissingDependencyError(message)


def _without_wheel_in(extra: str) -> tuple[str, str] | None:
    """Return a package of an extra that this Python cannot have, and the versions that can."""
    for package in sorted(_packages_by_extra()[extra]):
        if (versions := supported_pythons(package)) is not None:
            return package, versions
    return None


@contextmanager
def imports_explained(caller: str) -> Iterator[None]:
    """Convert the error of a missing package as `missing_package` does.

    Raises:
        MissingDependencyError: A package that emorec requires is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise missing_package(error, caller) or error from error


def _importer(error: ModuleNotFoundError) -> str:
    """Return the package outside emorec whose code failed to import another; "" if there is none.

    Frames of Python's own import system are passed over.
    """
    from traceback import walk_tb

    modules = [frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__)]
    packages = [module.partition(".")[0] for module in modules]
    found = [name for name in packages if name not in ("emorec", "importlib", "__main__")]
    return found[-1] if found and packages[-1] != "emorec" else ""


def _requirements_of_checkout(path: Path) -> list[str]:
    if not path.is_file():
        return []
    import tomllib

    project = tomllib.loads(path.read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].items()
    return [
        *project["dependencies"],
        *(_of_extra(text, extra) for extra, texts in extras for text in texts),
    ]


def _of_extra(text: str, extra: str) -> str:
    """Add an extra to the marker of a requirement."""
    requirement, _, marker = text.partition(";")
    condition = f"({marker.strip()}) and " * bool(marker) + f'extra == "{extra}"'
    return f"{requirement.strip()}; {condition}"


def _packages_by_extra() -> dict[str, set[str]]:
    """Return the packages that each extra adds, and under "" those of emorec itself."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    texts = requirements()
    every = [Requirement(text) for text in texts]

    # A package that this Python cannot have is still one of its extra.
    python = {"python_version": f"3.{_OLDEST_MINOR}"}

    def packages(extra: str) -> set[str]:
        found = set()
        for requirement in every:
            marker = requirement.marker
            if extra and (marker is None or marker.evaluate({"extra": "", **python})):
                continue  # of emorec itself
            if marker is None or marker.evaluate({"extra": extra, **python}):
                name = canonicalize_name(requirement.name)
                if name == "emorec":
                    found |= {each for inner in requirement.extras for each in packages(inner)}
                else:
                    found.add(name)
        return found

    return {extra: packages(extra) for extra in ("", *extras_in("\n".join(texts)))}


def extras_in(requirements: str) -> list[str]:
    """Return the extras that requirements name in their markers, in order."""
    import re

    return list(dict.fromkeys(re.findall(r"extra\s*==\s*['\"]([^'\"]+)", requirements)))


def _origin() -> dict[str, object]:
    """Return where pip installed emorec from (PEP 610); empty for a package index."""
    import importlib.metadata
    import json

    try:
        text = importlib.metadata.distribution("emorec").read_text("direct_url.json")
        origin = json.loads(text or "{}")
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return {}
    return origin if isinstance(origin, dict) else {}
