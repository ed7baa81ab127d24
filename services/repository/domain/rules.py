"""What is committed to which repository, as an operator wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    model_validator,
)

from services.repository.domain.paths import require_path
from services.secret_fields import Secret

RULES_MAX: Final = 100

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_BRANCH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
_MAIL: Final = re.compile(r"[^\s<>@]+@[^\s<>@]+")


def _is_repository(url: str) -> str:
    if url.startswith("/"):
        return url
    try:
        parts = urlsplit(url)
        is_fine = parts.scheme in {"https", "http", "ssh"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_fine = False
    if not is_fine or len(parts.path) < 2 or parts.query or parts.fragment or not url.isprintable():
        raise ValueError("is no https://, http:// or ssh:// URL, nor the path of a bare repository from the root")
    if parts.password is not None or (parts.username is not None and parts.scheme != "ssh"):
        raise ValueError("holds credentials; set `user` and `password` instead")
    return url


def _is_branch(name: str) -> str:
    if not _BRANCH.fullmatch(name) or ".." in name or name.endswith((".", ".lock")):
        raise ValueError(f"{name!r} is no name of a branch")
    return name


def _is_path(path: str) -> str:
    require_path(path)
    return path


def _is_mail(address: str) -> str:
    if not _MAIL.fullmatch(address):
        raise ValueError(f"{address!r} is no address such as name@example.com")
    return address


def _is_file(path: Path) -> Path:
    if not path.is_absolute() or not path.is_file():
        raise ValueError(f"{path} is no file, named from the root")
    return path


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Author(_Written):
    """In whose name commits are made."""

    name: str = Field(default="Archwright", pattern=r"^[^<>\x00-\x1f]{1,100}$")
    email: Annotated[str, AfterValidator(_is_mail)] = "archwright@localhost"


class Limits(_Written):
    """What one workflow may bring."""

    files: int = Field(default=1_000, ge=1, le=10_000)
    bytes: int = Field(default=64 << 20, ge=1, le=1 << 30)


class Rule(_Written):
    """Commit what these workflows made to that repository."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]{0,99}$")
    tenant: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")
    definitions: tuple[Annotated[str, Field(min_length=1)], ...] = Field(min_length=1)
    """Names of definitions, or patterns."""
    repository: Annotated[str, AfterValidator(_is_repository)]
    user: str = ""
    password: Secret | None = None
    key_file: Annotated[Path, AfterValidator(_is_file)] | None = None
    base: Annotated[str, AfterValidator(_is_branch)] | None = None
    """The branch from which those of workflows come; without it each begins with nothing."""
    folder: Annotated[str, AfterValidator(_is_path)] = "architecture"
    """Where in the repository the files are put. It then holds them and nothing else."""
    author: Author = Author()
    token_file: Annotated[Path, AfterValidator(_is_file)]
    """The token of a user of this tenant, with which workflows are read."""
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        parts = urlsplit(self.repository)
        if bool(self.user) != (self.password is not None):
            raise ValueError("has one of `user` and `password`; they go together")
        if self.password is not None and parts.scheme not in {"https", "http"}:
            raise ValueError("has a password, which only https:// takes")
        if self.password is not None and parts.scheme == "http" and parts.hostname not in _LOOPBACK:
            raise ValueError("would send its password in clear; use https://")
        if self.key_file is not None and parts.scheme != "ssh":
            raise ValueError("has a `key_file`, which only ssh:// takes")
        return self

    def concerns(self, *, tenant: str, definition_name: str) -> bool:
        """Return whether what such a workflow made is to be committed."""
        return self.tenant == tenant and any(fnmatchcase(definition_name, pattern) for pattern in self.definitions)


class Rules(_Written):
    """All that an operator wrote."""

    rules: tuple[Rule, ...] = Field(max_length=RULES_MAX)

    def concerned(self, *, tenant: str, definition_name: str) -> Iterator[Rule]:
        """Yield the rules by which a workflow is to be committed."""
        for rule in self.rules:
            if rule.concerns(tenant=tenant, definition_name=definition_name):
                yield rule
