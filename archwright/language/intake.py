"""What may be handed to CEL.

CEL takes a string to end at its first NUL character, so that text with one would pass for other text; and its loops
copy their lists as they grow, so that a long list would hold up everything else.
"""

from __future__ import annotations

from .model import Json

LOOP_LENGTH_MAX = 1000
"""Of any list that an expression with a loop reads. CEL's own budget is 10,000 rounds, but copying is quadratic."""


class Inadmissible(Exception):
    """A value may not be handed to CEL."""


def admit(value: Json, *, has_loops: bool) -> None:
    """Let a value pass, with all that is in it, or raise Inadmissible."""
    match value:
        case str():
            if "\0" in value:
                raise Inadmissible("it reads text that holds a NUL character")
        case dict():
            for key, element in value.items():
                admit(key, has_loops=has_loops)
                admit(element, has_loops=has_loops)
        case list():
            if has_loops and len(value) > LOOP_LENGTH_MAX:
                raise Inadmissible(
                    f"it loops, and reads a list of {len(value):,}; at most {LOOP_LENGTH_MAX:,} are allowed"
                )
            for element in value:
                admit(element, has_loops=has_loops)
        case _:
            pass
