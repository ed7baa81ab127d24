"""Figures for people and for machines: the same ones."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

_LEFT_OUT = ("runs", "floor_runs", "profile")
"""What only JSON tells, or what has a place of its own."""


def as_json(result: Mapping[str, Any]) -> str:
    """Return everything on one line."""
    return json.dumps(result, ensure_ascii=False)


def as_text(result: Mapping[str, Any]) -> str:
    """Return what a person wants to see: single figures first, then what has parts, then what was sampled."""
    single = {name: value for name, value in result.items() if not isinstance(value, Mapping | list)}
    parts = {name: value for name, value in result.items() if isinstance(value, Mapping)}
    lines = [*_table(single)]
    for name, value in parts.items():
        lines += ["", _words(name), *_table(value)]
    for sampled in (result, *result.get("runs", ())):
        if sampled.get("profile"):
            lines += ["", *sampled["profile"]]
    return "\n".join(lines)


def _table(figures: Mapping[str, Any], indent: int = 2) -> Iterator[str]:
    width = max((len(_words(name)) for name in figures), default=0)
    for name, value in figures.items():
        if name in _LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            yield f"{' ' * indent}{_words(name)}"
            yield from _table(value, indent + 2)
        elif isinstance(value, list):
            yield f"{' ' * indent}{_words(name)}"
            for each in value:
                yield " " * (indent + 2) + ", ".join(f"{_words(part)} {_figure(one)}" for part, one in each.items())
        else:
            yield f"{' ' * indent}{_words(name):<{width}}  {_figure(value)}"


def _words(name: str) -> str:
    return name.replace("_", " ")


def _figure(value: object) -> str:
    match value:
        case None:
            return "-"
        case float() | int():
            return f"{value:,}"
        case _:
            return str(value)
