"""The options of preparing a data set, apart from those of reading."""

from dataclasses import dataclass

from emorec.datasets.choices import COPY, LEAKS, LINKS
from emorec.errors import ConfigError
from emorec.labels import POLICIES, emotions
from emorec.suggestions import unknown_name


@dataclass(frozen=True)
class PrepareOptions:
    """Options of preparing a data set.

    Attributes:
        policy: One of `emorec.labels.POLICIES`; used for sources with votes.
        classes: 7 or 8.
        link: One of `LINKS`.
        leaks: One of `LEAKS`; None ignores leaks in one source and lists them in several.
        strict: Treat missing folders, missing or unreadable images, repeated names and every
            other note as errors.
        overwrite: Replace the destination whatever it contains.

    Raises:
        ConfigError: A value is unknown.
    """

    policy: str = "dominant"
    classes: int = 7
    link: str = COPY
    leaks: str | None = None
    strict: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        emotions(self.classes)
        _require_one_of("vote policy", self.policy, POLICIES)
        _require_one_of("link", self.link, LINKS)
        if self.leaks is not None:
            _require_one_of("value of leaks", self.leaks, LEAKS)


def _require_one_of(kind: str, name: str, known: tuple[str, ...]) -> None:
    if name not in known:
        raise ConfigError(unknown_name(kind, name, known))
