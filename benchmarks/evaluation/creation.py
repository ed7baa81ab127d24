"""How much of what a request holds the analyst finds: its numbers, who acts, what is kept, and other people's systems.

A file is a list of requests: `id`, `text`, and what is `expected`: `numbers` with value, unit and op, `actors`,
`entities` and `external`. A number counts where exactly one fact in so many words says it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from archwright.agents.v1.business_analyst_pb2 import Actor
from archwright.agents.v1.model_pb2 import Fact, Source
from archwright.errors import RequestInvalid
from benchmarks.evaluation.files import objects_of
from services.agents.naming import singular
from services.agents.roles.business_analyst.deliverable import produce
from services.agents.roles.business_analyst.request import Request

_OPS = {"<=": Fact.LE, ">=": Fact.GE, "<": Fact.LT, ">": Fact.GT, "=": Fact.EQ}


def measure(file: Path) -> dict[str, Any]:
    """Return how many numbers were found, and which shares of actors, entities and external systems."""
    requests = [_judged(request, f"{file}, request {number}") for number, request in enumerate(objects_of(file), 1)]
    counted = {name: sum(each[name][0] for each in requests) for name in _PARTS}
    total = {name: sum(each[name][1] for each in requests) for name in _PARTS}
    return {
        "requests": len(requests),
        "numbers_found": counted["numbers"],
        "numbers_total": total["numbers"],
        "actors_recall": _share(counted["actors"], total["actors"]),
        "entities_recall": _share(counted["entities"], total["entities"]),
        "externals_recall": _share(counted["external"], total["external"]),
        "missed": [
            f"{each['id']}: {name} {missed}" for each in requests for name in _PARTS for missed in each[name][2]
        ],
    }


_PARTS = ("numbers", "actors", "entities", "external")


def _judged(request: Mapping[str, Any], place: str) -> dict[str, Any]:
    try:
        text, expected = str(request["text"]), request["expected"]
        spec = produce(Request(text)).requirements
        numbers = [number for number in expected.get("numbers", ()) if not _is_found(number, spec.facts)]
        people = [actor.name for actor in spec.actors]
        kept = [entity.name for entity in spec.entities]
        systems = [
            name for actor in spec.actors if actor.type == Actor.EXTERNAL_SYSTEM for name in (actor.name, _quote(actor))
        ]
        return {
            "id": request.get("id", place),
            "numbers": _part(expected.get("numbers", ()), numbers),
            "actors": _part(expected.get("actors", ()), _missed(expected.get("actors", ()), people)),
            "entities": _part(expected.get("entities", ()), _missed(expected.get("entities", ()), kept)),
            "external": _part(expected.get("external", ()), _missed(expected.get("external", ()), systems)),
        }
    except (KeyError, TypeError, AttributeError) as error:
        raise RequestInvalid(f"{place} is not of the form: id, text, expected ({error}).") from None


def _part(expected: Sequence[Any], missed: Sequence[Any]) -> tuple[int, int, Sequence[Any]]:
    return len(expected) - len(missed), len(expected), missed


def _is_found(number: Mapping[str, Any], facts: Iterable[Fact]) -> bool:
    """Return whether exactly one fact that stands in the text says this number."""
    return (
        sum(
            fact.HasField("number")
            and fact.basis == Source.EXPLICIT
            and fact.number == float(number["value"])
            and ("unit" not in number or _plain(fact.unit)[-1:] == _plain(number["unit"])[-1:])
            and ("op" not in number or fact.op == _OPS[number["op"]])
            for fact in facts
        )
        == 1
    )


def _missed(expected: Iterable[str], found: Iterable[str]) -> list[str]:
    """Return those that none of what was found is, nor is a kind of: an advice nurse is a nurse."""
    said = [_plain(name) for name in found]
    return [name for name in expected if not any(words[-len(_plain(name)) :] == _plain(name) for words in said)]


def _quote(actor: Actor) -> str:
    return actor.source.quote


def _plain(name: str) -> list[str]:
    return [singular(word) for word in re.findall(r"[a-z0-9]+", name.lower())]


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
