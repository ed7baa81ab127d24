"""The token of a user in whose name a service works, in a file that may be replaced any time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import jwt

from archwright.errors import DependencyUnavailable


@dataclass(frozen=True, slots=True)
class TokenFile:
    """Reads the file each time it is asked; raises DependencyUnavailable where that is not possible."""

    path: Path

    def __call__(self) -> str:
        """Return the token."""
        try:
            return self.path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise DependencyUnavailable(f"The token file {self.path} cannot be read: {error}.") from error

    def user_id(self) -> str:
        """Return whose token it is, by its own word: whoever is shown the token judges it."""
        try:
            return str(jwt.decode(self(), options={"verify_signature": False})["sub"])
        except (jwt.InvalidTokenError, KeyError) as error:
            raise DependencyUnavailable(f"The token file {self.path} holds no token of a user: {error}.") from error
