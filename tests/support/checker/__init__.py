"""What must never happen: the same questions after every test that kills something, and after every simulation.

`facts` is what was found, wherever it was read; `invariants` asks the questions, one function each and named for the
rule that it keeps. A violation is a sentence that begins with the rule's number; no violations is what all hope for.
"""

from __future__ import annotations

from collections.abc import Collection

from checker.database import read
from checker.facts import Facts, Outside
from checker.invariants import found_wrong

__all__ = ["Facts", "Outside", "found_wrong", "violations"]


async def violations(owner_dsn: str, outside: Outside | None = None, among: Collection[str] | None = None) -> list[str]:
    """Return what is wrong in this database, and between it and what was seen `outside` of it.

    `among` names the workflows that are looked at, where others are none of the test's.
    """
    facts = await read(owner_dsn)
    return found_wrong(facts if among is None else facts.among(among), outside)
