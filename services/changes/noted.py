"""What a replica has noted of a rule's approvals while it lives. To forget it costs a question more, no decision."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from services.changes.port import Reference


@dataclass(slots=True)
class Noted:
    """By approval, by correlation id, which begins with the approval's, or by the key of a change."""

    troubled: set[str] = field(default_factory=set)
    """Approvals with which something went wrong the last time."""
    opened: dict[str, Reference] = field(default_factory=dict)
    """Changes that were opened here: a system's search may not find them yet."""
    decided: set[str] = field(default_factory=set)
    """Questions whose answer was taken to the workflow."""
    unknown: set[str] = field(default_factory=set)
    """Changes in a state that nobody has named, of which it was said."""
    withdrawn: dict[str, str] = field(default_factory=dict)
    """Changes that were withdrawn, each with its approval."""

    def keep_only(self, waiting: Collection[str]) -> None:
        """Forget what is not about one of these approvals."""
        known = frozenset(waiting)
        self.troubled &= known
        self.opened = {each: of for each, of in self.opened.items() if _approval(each) in known}
        self.decided = {each for each in self.decided if _approval(each) in known}
        self.withdrawn = {each: of for each, of in self.withdrawn.items() if of in known}


def _approval(correlation_id: str) -> str:
    return correlation_id.partition(".")[0]
