"""What a replica has noted of a rule's approvals while it lives. To forget it costs a question more, no decision."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from services.changes.port import Reference


@dataclass(slots=True)
class Noted:
    """By approval, by correlation id, which begins with the approval's, or by the key of a change."""

    troubled: dict[str, bool] = field(default_factory=dict)
    """Approvals that did not go well the last time, that longest ago first, each with whether that was said."""
    opened: dict[str, Reference] = field(default_factory=dict)
    """Changes that were opened here: a system's search may not find them yet."""
    unknown: set[str] = field(default_factory=set)
    """Changes in a state that nobody has named, of which it was said."""
    withdrawn: dict[str, str] = field(default_factory=dict)
    """Changes that were withdrawn, each with its approval."""

    def in_turn(self, waiting: Collection[str]) -> Sequence[str]:
        """Return these approvals, those last that did not go well, and of them that first that waited longest."""
        return [each for each in waiting if each not in self.troubled] + list(self.troubled)

    def keep_only(self, waiting: Collection[str]) -> None:
        """Forget what is not about one of these approvals."""
        known = frozenset(waiting)
        self.troubled = {each: said for each, said in self.troubled.items() if each in known}
        self.opened = {each: of for each, of in self.opened.items() if _approval(each) in known}
        self.withdrawn = {each: of for each, of in self.withdrawn.items() if of in known}


def _approval(correlation_id: str) -> str:
    return correlation_id.partition(".")[0]
