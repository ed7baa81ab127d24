"""Where the wheels of the extra `local` keep their programs, found without importing them."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from archwright.errors import Unavailable


class PartMissing(Unavailable):
    """A program that the local mesh starts is not installed."""


def program(package: str, pattern: str, *, what: str, option: str) -> Path:
    """Return the program in the package that matches the pattern, or raise `PartMissing`."""
    # Importing these packages costs up to half a second, and some change the system as they load.
    found = importlib.util.find_spec(package)
    for place in (found.submodule_search_locations or ()) if found else ():
        for path in sorted(Path(place).glob(pattern), reverse=True):
            return path
    raise PartMissing(
        f"{what} is not installed here. `pip install 'archwright[local]'` brings it; {option} names one that you have.",
        facts={"package": package},
    )
