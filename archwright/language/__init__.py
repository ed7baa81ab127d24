"""The workflow language: text in, values out, and nothing else happens.

`load` reads a text and checks it, `compile` makes it into the graph that the engine walks. They are imported when they
are first used: whoever wants but a word of the model pays for no parser.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .check import load
    from .plan import compile  # noqa: A004  # see there

__all__ = ["compile", "load"]

_HOMES = {"load": "check", "compile": "plan"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
