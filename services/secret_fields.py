"""The fields of rules that name a secret: in an environment variable, or in a file.

It stands beside the services, since their domains describe rules and may know no chassis. Rules are validated with the
context `{"reveal": …}`, so whoever describes them finds nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, SecretStr, ValidationInfo

Reveal: TypeAlias = Callable[[Literal["env", "file"], str], str]
"""Returns the secret that stands in an environment variable or a file; raises ValueError when there is none."""


def revealed(named: Any, info: ValidationInfo) -> str:
    """Return the secret that a rule names; raises ValueError where it is written instead, or is not to be found."""
    find: Reveal = (info.context or {})["reveal"]
    match named:
        case {"env": str() as name} if len(named) == 1:
            return find("env", name)
        case {"file": str() as name} if len(named) == 1:
            return find("file", name)
    raise ValueError("is a secret: name where it stands, as `{env: VARIABLE}` or `{file: /path}`")


Secret: TypeAlias = Annotated[SecretStr, BeforeValidator(revealed)]
"""The field of a rule that names a secret."""
