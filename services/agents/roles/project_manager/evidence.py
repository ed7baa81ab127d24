"""What shows that something is true of a request: the items, and what to call them in a sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

from services.agents.naming import mentions, stems
from services.agents.roles.project_manager.sources import Sources


@dataclass(frozen=True, slots=True)
class Evidence:
    """Items that show something, and what to call them in a sentence; it is not shown where there are none."""

    ids: tuple[str, ...]
    text: str


Signals = Mapping[str, Evidence]
"""Evidence by the name of what it shows."""


class Identified(Protocol):
    """Anything of a deliverable that has an id."""

    @property
    def id(self) -> str:
        """Its id."""
        ...


T = TypeVar("T", bound=Identified)


def named(items: Iterable[T], name: Callable[[T], str], most: int = 4) -> Evidence:
    """Return items as evidence, each called by its name."""
    every = tuple(items)
    return Evidence(tuple(one.id for one in every), listed(dict.fromkeys(name(one) for one in every), most))


def several(ids: tuple[str, ...], least: int, text: str) -> Evidence:
    """Return ids as evidence when there are at least so many."""
    return Evidence(ids if len(ids) >= least else (), text)


def merged(first: Evidence, second: Evidence) -> Evidence:
    """Return both as one."""
    words = dict.fromkeys(one.text for one in (first, second) if one.ids and one.text)
    return Evidence(tuple(dict.fromkeys((*first.ids, *second.ids))), listed(words))


def spoken(sources: Sources, phrases: Iterable[str]) -> Evidence:
    """Return the requirements, actors and systems whose words hold one of the phrases."""
    wanted = tuple(phrases)
    said = [(one.id, one.statement) for one in sources.requirements]
    said += [(one.id, one.name) for one in sources.application.external_systems]
    found: dict[str, str] = {}
    for identifier, text in said:
        in_text = stems(text)
        for phrase in wanted:
            if mentions(in_text, phrase):
                found.setdefault(identifier, phrase)
                break
    return Evidence(tuple(found), listed(dict.fromkeys(found.values())))


def listed(names: Iterable[str], most: int = 4) -> str:
    """Return names as words of a sentence; beyond `most` they are only counted."""
    every = list(names)
    shown = every[:most]
    if len(every) > most:
        return f"{', '.join(shown)} and {len(every) - most} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]]) if len(shown) > 1 else "".join(shown)
