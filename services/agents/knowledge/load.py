"""Reads the roles' knowledge: YAML tables beside this module, each checked against a type.

The decision to know: a table is read and validated once per process, on first use, and what
comes back is frozen. A wrong table therefore stops a role at its first call, with the file and
the place named, and can never change under a role that is at work.
"""

from functools import cache
from importlib.resources import files
from typing import Any, TypeVar

import yaml
from pydantic import TypeAdapter, ValidationError

T = TypeVar("T")


class KnowledgeInvalid(Exception):
    """A packaged table does not fit the type that its reader expects: a mistake in this release."""

    def __init__(self, name: str, cause: str) -> None:
        super().__init__(f"The knowledge table {name!r} is not usable: {cause}")
        self.name = name


def table(name: str, shape: type[T]) -> T:
    """Return the table `<name>.yaml` as a `shape`, a frozen dataclass whose fields are its keys."""
    key: Any = shape  # classes are hashable, generic ones too, which the type of `cache` does not know
    loaded: T = _read(name, key)
    return loaded


@cache
def _read(name: str, shape: Any) -> Any:
    source = files("services.agents.knowledge").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    try:
        return TypeAdapter(shape).validate_python(yaml.safe_load(source))
    except (yaml.YAMLError, ValidationError) as cause:
        raise KnowledgeInvalid(name, str(cause)) from cause
