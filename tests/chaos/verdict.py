"""Whether a run shows anything. One in which little succeeded, or in which some fault never struck, does not count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tests.chaos.round import Outcome
from tests.chaos.timetable import Fault
from tests.chaos.workflows import CANCELLED, COMPLETED, FAILED

SUCCESS_SHARE_MIN = 0.5
ENDINGS = (COMPLETED, FAILED, CANCELLED)
LIES = frozenset({"twice", "wrong_fence", "late", "reordered", "ignored", "unaccepted", "tardy", "pulled twice"})


def shortcomings(outcomes: Sequence[Outcome]) -> list[str]:
    """Return why this run does not count; nothing where it does."""
    calls, strikes, lies, endings = (_sum(outcomes, name) for name in ("calls", "strikes", "lies", "endings"))
    asked, answered = sum(calls.values()), calls["answered"]
    told = []
    if answered < SUCCESS_SHARE_MIN * asked or not asked:
        told.append(f"only {answered} of {asked} calls were answered")
    told.extend(f"no {fault} struck" for fault in Fault if not strikes[fault])
    told.extend(f"no agent lied by {lie!r}" for lie in sorted(LIES) if not lies[lie])
    told.extend(f"no workflow ended as {status}" for status in ENDINGS if not endings[status])
    return told


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return what happened, in a few lines."""
    lines = [f"Rounds: {len(outcomes)}, in {sum(outcome.seconds for outcome in outcomes):.0f} s."]
    for name in ("counts", "endings", "calls", "strikes", "lies"):
        counted = sorted(_sum(outcomes, name).items())
        lines.append(f"  {name}: " + ", ".join(f"{count:,} {what}" for what, count in counted))
    return "\n".join(lines)


def _sum(outcomes: Sequence[Outcome], name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for outcome in outcomes:
        total.update(getattr(outcome, name))
    return total
