"""How long to wait before a crashed child is started again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter: a pause anywhere between nothing and a ceiling that doubles with every crash."""

    first_seconds: float = 0.5
    seconds_max: float = 30.0
    quiet_seconds: float = 60.0
    chance: Callable[[], float] = random.random
    """Gives a number between 0 and 1."""

    def pause_seconds(self, crashes: int) -> float:
        """Return the pause after so many crashes in a row."""
        doublings = min(crashes - 1, 16)  # far beyond any ceiling, and the number stays small
        return self.chance() * min(self.seconds_max, self.first_seconds * 2.0**doublings)

    def crashes_after(self, crashes: int, lived_seconds: float) -> int:
        """Return how many crashes in a row it is now; a quiet minute forgives what was before."""
        return 1 if lived_seconds >= self.quiet_seconds else crashes + 1
