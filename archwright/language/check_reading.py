"""Which steps an expression may read where it stands.

A step may be read where some path has been through it before: its siblings that come earlier, and the siblings of the
steps around it; and what is inside of these. What is done at the same time, or instead, may not be read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .bodies import PlacedBody, Role
from .vocabulary import did_you_mean


@dataclass(frozen=True, slots=True)
class Viewpoint:
    """Where an expression stands: before or after a step of a body, or at the end of a body when there is none."""

    body: PlacedBody
    position: int | None
    is_after: bool = False


class Readable:
    """The steps of a definition by name, and what keeps an expression from reading one."""

    def __init__(self, bodies: Sequence[PlacedBody]) -> None:
        self._homes: Mapping[str, tuple[PlacedBody, int]] = {
            step.name: (body, position) for body in reversed(bodies) for position, step in enumerate(body.steps)
        }

    def __contains__(self, name: str) -> bool:
        return name in self._homes

    def hint(self, name: str) -> str:
        """Return a question that names the nearest step, or nothing."""
        return did_you_mean(name, self._homes)

    def objection(self, name: str, view: Viewpoint) -> str | None:
        """Return why a step cannot be read from somewhere, or None when it can."""
        home, at = self._homes[name]
        reader, position = view.body, view.position
        # What each is part of, up to the body that both have in common.
        reader_part: PlacedBody | None = None
        home_part: PlacedBody | None = None
        while home is not reader:
            if home.depth > reader.depth:
                home_part, home, at = home, _around(home), home.position
            elif reader.depth > home.depth:
                reader_part, reader, position = reader, _around(reader), reader.position
            else:
                home_part, home, at = home, _around(home), home.position
                reader_part, reader, position = reader, _around(reader), reader.position
        if home_part is not None and home_part.role is Role.COMPENSATION:
            return "is a compensation, which is done last of all"
        if position is None:
            return None
        if at != position:
            earlier = home.earlier
            is_earlier = earlier is None or earlier[position] >> at & 1
            return None if is_earlier else _never(home)
        return _objection_within(home_part, reader_part, is_after=view.is_after)


def _never(home: PlacedBody) -> str:
    if home.role is Role.ITERATION:
        return "has never been done by then in the same iteration; what an earlier one left is kept with `set`"
    return "has never been done by then"


def _objection_within(home_part: PlacedBody | None, reader_part: PlacedBody | None, *, is_after: bool) -> str | None:
    """Return what keeps one part of a step from reading another part of it; None as a part is the step itself."""
    if reader_part is None:
        return None if is_after else "has never been done by then"
    if reader_part.role is Role.COMPENSATION:
        return None
    if reader_part.role is Role.FALLBACK:
        return "has failed by then; `failure` tells why"
    if home_part is None:
        return "is still being done there, since this is a part of it"
    if home_part.role is Role.FALLBACK:
        return "is done only when this has failed"
    if reader_part.role is Role.BRANCH:
        return "is in another branch, which is done at the same time"
    return "is in another case, which is not done then"


def _around(body: PlacedBody) -> PlacedBody:
    assert body.around is not None  # the root has everything within it
    return body.around
