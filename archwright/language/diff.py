"""How two definitions differ: step by step and field by field, and as text.

It compares documents, the plain form that a definition is written and hashed in, so a word that the language learns is
compared from its first day. A step is known by its name, which is unique in a definition, wherever it stands.
"""

from __future__ import annotations

import bisect
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from .model import Json
from .yaml_writing import write_yaml

LINES_MAX: Final = 2_000
"""Of the part in which two texts differ, in either of them: laying long ones side by side takes too long."""

_CONTEXT_LINES = 3
_SCHEMAS = ("input_schema", "output_schema")


class ChangeKind(Enum):
    """What was done to a step or a field."""

    ADDED = auto()
    REMOVED = auto()
    CHANGED = auto()
    MOVED = auto()


@dataclass(frozen=True, slots=True)
class Change:
    """One difference. `step` is empty for what the definition says itself, `field` for a step as a whole."""

    kind: ChangeKind
    step: str = ""
    field: str = ""
    before: Json = None
    after: Json = None

    @property
    def is_about_schema(self) -> bool:
        """Whether it is about what inputs or outputs must look like."""
        return self.field.split(".", 1)[0].split("[", 1)[0] in _SCHEMAS


@dataclass(slots=True)
class _Placed:
    """A step without the steps within it, and the body that it stands in."""

    body: str
    said: dict[str, Json]


@dataclass(slots=True)
class _Steps:
    """The steps of a definition by name, and each body's steps in order."""

    by_name: dict[str, _Placed] = field(default_factory=dict)
    bodies: dict[str, list[str]] = field(default_factory=dict)

    def read(self, body: str, steps: Sequence[Json]) -> None:
        """Take in the steps of a body, and of all bodies within it."""
        self.bodies[body] = [step["name"] for step in steps]
        for step in steps:
            name = step["name"]
            own = {word: value for word, value in step.items() if word not in {"name", "fallback", "compensate"}}
            self.by_name[name] = _Placed(body, own)
            for word in ("fallback", "compensate"):
                match step.get(word):
                    case {"name": _} as lone:
                        self.read(f"{name}.{word}", [lone])
                    case None:
                        pass
                    case constant:
                        own[word] = constant
            self._read_kind(name, own)

    def _read_kind(self, name: str, own: dict[str, Json]) -> None:
        """Take the bodies out of what a step says of its kind."""
        match own:
            case {"parallel": {"branches": dict(branches), **others}}:
                own["parallel"] = {"branches": [*branches], **others}
                for branch, steps in branches.items():
                    self.read(f"{name}.{branch}", steps)
            case {"foreach": {"steps": list(steps), **others}}:
                own["foreach"] = others
                self.read(name, steps)
            case {"loop": {"steps": list(steps), **others}}:
                own["loop"] = others
                self.read(name, steps)
            case {"switch": {"cases": list(cases), **others}}:
                own["switch"] = {"cases": [case["if"] for case in cases]}
                for number, case in enumerate(cases):
                    self.read(f"{name}.{number}", case["steps"])
                match others:
                    case {"else": list(steps)}:
                        self.read(f"{name}.else", steps)
            case _:
                pass


def diff(before: Mapping[str, Json], after: Mapping[str, Json]) -> tuple[Change, ...]:
    """Return how the document `after` differs from `before`: its own fields first, then each step in order."""
    return (*_fields("", _beside_steps(before), _beside_steps(after)), *_steps(before, after))


def unified(before: Mapping[str, Json], after: Mapping[str, Json], *, before_name: str, after_name: str) -> str | None:
    """Return the difference of two documents as text in the unified format; None where they are too different."""
    old, new = (write_yaml(dict(document)).splitlines(keepends=True) for document in (before, after))
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    if max(len(old), len(new)) - head - tail > LINES_MAX:
        return None
    # What both begin and end with is left to the counting of lines, but for what is shown around a difference.
    first, last = max(0, head - _CONTEXT_LINES), max(0, tail - _CONTEXT_LINES)
    lines = difflib.unified_diff(
        old[first : len(old) - last], new[first : len(new) - last], before_name, after_name, n=_CONTEXT_LINES
    )
    return "".join(_shifted(line, first) for line in lines)


def _steps(before: Mapping[str, Json], after: Mapping[str, Json]) -> Iterator[Change]:
    old, new = _Steps(), _Steps()
    old.read("", before["steps"])
    new.read("", after["steps"])
    moved = _reordered(old, new)
    for name, was in old.by_name.items():
        if name not in new.by_name:
            yield Change(ChangeKind.REMOVED, name, before=was.said)
    for name, now in new.by_name.items():
        if name not in old.by_name:
            yield Change(ChangeKind.ADDED, name, after=now.said)
            continue
        was = old.by_name[name]
        if name in moved:
            yield Change(ChangeKind.MOVED, name, before=_place(old, name), after=_place(new, name))
        yield from _fields(name, was.said, now.said)


def _fields(step: str, before: Mapping[str, Json], after: Mapping[str, Json], path: str = "") -> Iterator[Change]:
    for word in (*before, *(word for word in after if word not in before)):
        at = f"{path}.{word}" if path else word
        if word not in after:
            yield Change(ChangeKind.REMOVED, step, at, before=before[word])
        elif word not in before:
            yield Change(ChangeKind.ADDED, step, at, after=after[word])
        else:
            yield from _values(step, at, before[word], after[word])


def _values(step: str, path: str, before: Json, after: Json) -> Iterator[Change]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _fields(step, before, after, path)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _values(step, f"{path}[{number}]", old, new)
    elif not _is_same(before, after):
        yield Change(ChangeKind.CHANGED, step, path, before, after)


def _is_same(before: Json, after: Json) -> bool:
    # 1 and 1.0 are one number in JSON, but true is none, which Python would have equal 1.
    return isinstance(before, bool) == isinstance(after, bool) and bool(before == after)


def _reordered(old: _Steps, new: _Steps) -> frozenset[str]:
    """Return the steps that stand in another body, or in another order among those that were beside them."""
    found = {name for name, now in new.by_name.items() if name in old.by_name and old.by_name[name].body != now.body}
    for body, names in new.bodies.items():
        places = {name: place for place, name in enumerate(old.bodies.get(body, ()))}
        stayed = [name for name in names if name in places]
        in_order = _longest_rising([places[name] for name in stayed])
        found.update(name for name in stayed if places[name] not in in_order)
    return frozenset(found)


def _longest_rising(places: Sequence[int]) -> frozenset[int]:
    """Return the longest part of a sequence that is in order: as few as possible count as moved."""
    ends: list[int] = []
    last_at: list[int] = []
    before: list[int | None] = []
    for at, place in enumerate(places):
        length = bisect.bisect_left(ends, place)
        before.append(last_at[length - 1] if length else None)
        ends[length : length + 1] = [place]
        last_at[length : length + 1] = [at]
    found: set[int] = set()
    walk = last_at[-1] if last_at else None
    while walk is not None:
        found.add(places[walk])
        walk = before[walk]
    return frozenset(found)


def _place(steps: _Steps, name: str) -> dict[str, Json]:
    body = steps.by_name[name].body
    beside = steps.bodies[body]
    at = beside.index(name)
    return {"in": body, "after": beside[at - 1] if at else None}


def _beside_steps(document: Mapping[str, Json]) -> dict[str, Json]:
    return {word: value for word, value in document.items() if word != "steps"}


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """Return how many lines both begin with."""
    pairs = zip(old, new, strict=False)
    return next((count for count, (one, other) in enumerate(pairs) if one != other), min(len(old), len(new)))


def _shifted(line: str, lines: int) -> str:
    """Return a line of a difference with the line numbers of the whole texts, where it is the head of a hunk."""
    if not line.startswith("@@ ") or not lines:
        return line
    _, old, new, _ = line.split(" ", 3)
    moved = (f"{side[0]}{_moved(side[1:], lines)}" for side in (old, new))
    return f"@@ {' '.join(moved)} @@\n"


def _moved(span: str, lines: int) -> str:
    first, comma, count = span.partition(",")
    return f"{int(first) + lines}{comma}{count}"
