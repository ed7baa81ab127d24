"""What goes wrong, drawn from a seed: how often, and whether it still does."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass
class Trouble:
    """The chances of one schedule. After `heal` everything works."""

    chance: random.Random
    lost_reply: float
    lost_request: float
    late_write: float
    refused: float
    slow: float
    slow_seconds: float
    misbehaviour: float
    bus_fault: float
    copy_fault: float
    fired: dict[str, int] = field(default_factory=dict)
    is_over: bool = False
    outage_until: float = 0.0

    @classmethod
    def drawn(cls, chance: random.Random, wildness: float | None = None) -> Trouble:
        """Return the chances of a schedule: some are calm, some wild."""
        wild = chance.choice((0.0, 0.3, 1.0, 1.0, 2.0))
        wild = wild if wildness is None else wildness
        return cls(
            chance=chance,
            lost_reply=0.04 * wild,
            lost_request=0.02 * wild,
            late_write=0.02 * wild,
            refused=0.02 * wild,
            slow=0.15 * wild,
            slow_seconds=chance.choice((0.05, 0.5, 3.0)),
            misbehaviour=0.5 * wild,
            bus_fault=0.1 * wild,
            copy_fault=0.1 * wild,
        )

    def strikes(self, what: str, how_often: float) -> bool:
        """Draw whether it happens now, and count it if it does."""
        if self.is_over or self.chance.random() >= how_often:
            return False
        self.fired[what] = self.fired.get(what, 0) + 1
        return True

    def heal(self) -> None:
        self.is_over = True
        self.outage_until = 0.0
