"""Wrong ones, in one way each. The harness must catch every one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.engine.storage.bus_record import PostgresBusRecord

_ENGINE = ("-m", "services.engine")


@dataclass(frozen=True)
class Mutant:
    """What is run instead of the right one."""

    engine_program: Sequence[str] = _ENGINE
    receiver_options: Sequence[str] = ()


class NeverToldAgain(PostgresBusRecord):
    """Takes note that the bus lost something, and leaves it at that."""

    async def lost(self, life: str, since: datetime | None) -> int:
        return await super().lost(life, None)


MUTANTS: Mapping[str, Mutant] = {
    "never told again": Mutant(engine_program=("-m", "tests.bus_chaos.wrong_engine")),
    "acknowledged before it was dealt with": Mutant(receiver_options=("--hasty",)),
}
