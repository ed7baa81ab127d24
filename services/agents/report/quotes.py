"""The request's own words, with those marked from which something was taken."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from archwright.agents.v1.model_pb2 import Source
from services.agents.report.dossier import Dossier


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of the request, and the ids of what it gave rise to."""

    text: str
    ids: tuple[str, ...] = ()


def passages(dossier: Dossier) -> tuple[Passage, ...]:
    """Return the whole request, cut where marks begin and end."""
    text = dossier.request.text
    spans = [(start, end, thing_id) for thing_id, start, end in _spans(_sourced(dossier), text)]
    cuts = sorted({0, len(text), *(one for start, end, _ in spans for one in (start, end))})
    found: list[Passage] = []
    for start, end in pairwise(cuts):
        ids = tuple(dict.fromkeys(thing_id for left, right, thing_id in spans if left <= start and end <= right))
        if found and found[-1].ids == ids:
            found[-1] = Passage(found[-1].text + text[start:end], ids)
        else:
            found.append(Passage(text[start:end], ids))
    return tuple(found)


def _sourced(dossier: Dossier) -> Iterator[tuple[str, Source]]:
    spec = dossier.requirements
    for group in (spec.facts, spec.requirements, spec.stakeholders, spec.actors):
        for thing in group:
            yield thing.id, thing.source


def _spans(sourced: Iterable[tuple[str, Source]], text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the spans that hold the words they claim to hold; others would mark something else."""
    for thing_id, source in sourced:
        if len(source.span) == 2:
            start, end = source.span
            if 0 <= start < end <= len(text) and text[start:end] == source.quote:
                yield thing_id, start, end
