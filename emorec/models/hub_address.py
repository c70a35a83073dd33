"""Addresses of models on the Hugging Face hub: hf://OWNER/REPO[@REV][/FILE]."""

import os
import re
from dataclasses import dataclass, replace
from typing import Self
from urllib.parse import quote, unquote

MAIN = "main"
"""The revision of an address without one: the newest of the default branch."""

SUFFIXES = (".onnx", ".keras")
"""Suffixes of the files that can be pulled, the preferred one first."""

# Path makes "hf:/" of "hf://", and "hf:\\" on Windows.
_SCHEME = re.compile(r"hf:/{1,2}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_ .+()=-]{0,95}")
_FORM = "hf://OWNER/REPO[@REV][/FILE]"


@dataclass(frozen=True)
class HubAddress:
    """The address of a model repository, or of one file in it.

    Its text is safe as a relative path: no part is empty, hidden or "..".

    Attributes:
        owner: User or organisation.
        repo: Name of the repository.
        revision: Branch, tag or commit.
        file: Path of the file in the repository; empty for the only model in it.
    """

    owner: str
    repo: str
    revision: str = MAIN
    file: str = ""

    @property
    def repo_id(self) -> str:
        """The repository as the hub names it: OWNER/REPO."""
        return f"{self.owner}/{self.repo}"

    @property
    def quoted_revision(self) -> str:
        """The revision as one part of a path: refs/pr/1 is refs%2Fpr%2F1."""
        return quote(self.revision, safe="")

    def of_file(self, file: str) -> Self:
        """Return the address of a file in the same revision."""
        return replace(self, file=file)

    def __str__(self) -> str:
        revision = "" if self.revision == MAIN else f"@{self.quoted_revision}"
        return f"hf://{self.repo_id}{revision}" + (f"/{self.file}" if self.file else "")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an address.

        Args:
            text: Such as hf://owner/repo, hf://owner/repo@v1.0 or hf://owner/repo/onnx/model.onnx.

        Raises:
            ValueError: It is no such address; the message is one line.
        """
        plain = text.replace(os.sep, "/")
        match = _SCHEME.match(plain)
        owner, _, rest = plain[match.end() if match else 0 :].partition("/")
        name, _, file = rest.partition("/")
        repo, at, revision = name.partition("@")
        revision = unquote(revision) if at else MAIN
        names = (owner, repo, *revision.split("/"))
        if not match or not all(map(_is_name, names)):
            raise ValueError(f"{text!r:.200} is not an address of the form {_FORM}")
        if file and not is_model_file(file):
            raise ValueError(
                f"{text!r:.200}: the file must be an {' or '.join(SUFFIXES)} file in the repository"
            )
        return cls(owner, repo, revision, file)


def is_hub_address(text: str) -> bool:
    """Return whether a name of a model is meant as an address on the hub."""
    return _SCHEME.match(text.replace(os.sep, "/")) is not None


def is_model_file(file: str) -> bool:
    """Return whether a path in a repository is that of a model that can be pulled."""
    parts = file.split("/")
    is_plain = all(_PART.fullmatch(part) and ".." not in part for part in parts)
    return is_plain and os.path.splitext(parts[-1])[1] in SUFFIXES  # noqa: PTH122


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None and ".." not in text
