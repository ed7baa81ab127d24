"""Words from one workflow to another, kept until the commit that heeds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.engine.domain.commands import CancelWorkflow, EndChild, StartChild
from services.engine.ports.keys import Key


@dataclass(frozen=True, slots=True)
class Mail:
    """A word to a workflow."""

    to: Key
    message_key: str
    command: StartChild | EndChild | CancelWorkflow


class Inbox(Protocol):
    """The words that wait."""

    async def take(self, limit: int) -> Sequence[Mail]:
        """Return words that nobody is busy with, oldest first, and reserve them briefly."""
        ...

    async def drop(self, mail: Mail) -> None:
        """Forget a word that has become pointless."""
        ...
