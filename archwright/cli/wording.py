"""What events say to people, in a few words each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.payloads import Json, from_struct

_NAMED_MAX = 5


@dataclass(frozen=True, slots=True)
class Said:
    """Some words, and how they look. What `ends` something is told with how long it took."""

    words: str
    style: str = ""
    ends: bool = False


def said_by(event: WorkflowEvent) -> Said | None:
    """Return what an event says; None where it is of no interest to people."""
    wording = _WORDINGS.get(event.event_type)
    return None if wording is None else wording(_Told(event))


class _Told:
    """An event, with the fields of its payload."""

    def __init__(self, event: WorkflowEvent) -> None:
        self.event = event
        self._payload: Mapping[str, Json] = from_struct(event.payload) if event.HasField("payload") else {}

    def text(self, name: str) -> str:
        """Return a field as text, empty when it is absent or null."""
        value = self._payload.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """Return a field that is true or false."""
        return self._payload.get(name) is True

    def many(self, name: str) -> list[Json]:
        """Return a field that is a list, empty when it is none."""
        value = self._payload.get(name)
        return value if isinstance(value, list) else []

    def time(self, name: str) -> str:
        """Return a field that is a time, as the clock of this machine shows it; empty when it is absent."""
        text = self.text(name)
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S") if text else ""


def _task_created(told: _Told) -> Said:
    wanted = told.event.agent_type
    plain = wanted.replace("_", " ") if wanted.replace("_", "").isalnum() else wanted
    return Said(f"for the {plain}" if plain.replace(" ", "").isalnum() else f"for an agent that is {plain}")


def _task_failed(told: _Told) -> Said:
    again = "will be tried again" if told.text("retry_at") else "failed for good"
    return Said(f"{again}: {told.text('message')}", "yellow")


def _task_repair_requested(told: _Told) -> Said:
    wrong = "; ".join(str(each) for each in told.many("errors")[:_NAMED_MAX])
    return Said(f"its output does not fit and goes back: {wrong}", "yellow")


def _step_started(told: _Told) -> Said:
    items, case = told.many("items"), told.text("case")
    return Said(f"begins: {_count(len(items), 'element')}" if items else f"takes {case!r}" if case else "begins")


def _step_completed(told: _Told) -> Said:
    match told.text("source"):
        case "fallback":
            return Said("done by its fallback, degraded", "yellow", ends=True)
        case "cache":
            return Said("taken from the cache", "green")
        case "rerun":
            return Said("taken over", "green")
        case _ if told.flag("degraded"):
            return Said("done, degraded", "yellow", ends=True)
        case _:
            return Said("done", "green", ends=True)


def _step_skipped(told: _Told) -> Said:
    return Said(_with("skipped", told.text("reason")), "dim")


def _scope_ended(told: _Told) -> Said | None:
    if not told.flag("failed"):
        return None
    return Said(f"{told.text('scope')} failed, and is done without: {told.text('message')}", "yellow")


def _failure_tolerated(told: _Told) -> Said:
    return Said(f"failed, and the workflow goes on without it: {told.text('message')}", "yellow")


def _compensation_started(told: _Told) -> Said:
    return Said(f"has failed; {_count(len(told.many('steps')), 'step')} will be undone first", "red")


def _wait_started(told: _Told) -> Said:
    signal, until = told.text("signal"), told.time("until")
    awaited = f"the signal {signal!r}" if signal else ""
    limit = f"until {until}" if until else ""
    return Said(f"waits {'for ' if signal else ''}{', '.join(filter(None, (awaited, limit)))}", "cyan")


def _approval_requested(told: _Told) -> Said:
    approvers = ", ".join(str(each) for each in told.many("approvers")[:_NAMED_MAX])
    return Said(f"waits for {told.text('quorum')} of {approvers} to agree: {told.text('approval_id')}", "cyan")


def _approval_decided(told: _Told) -> Said:
    agrees = told.flag("approved")
    words = f"{told.text('user_id')} {'agrees' if agrees else 'does not agree'}"
    return Said(_with(words, told.text("comment")), "green" if agrees else "red")


def _approval_invalidated(told: _Told) -> Said:
    return Said("what is to be approved has changed, and decisions on it count no longer", "yellow")


def _approval_escalated(told: _Told) -> Said:
    approvers = ", ".join(str(each) for each in told.many("approvers")[:_NAMED_MAX])
    return Said(f"nobody decided in time; asked now: {approvers}", "yellow")


def _child_started(told: _Told) -> Said:
    return Said(f"waits for {told.text('child_id')} of {told.text('definition_name')}", "cyan")


def _workflow_created(told: _Told) -> Said | None:
    rerun_of = told.text("rerun_of")
    return Said(f"goes on from {rerun_of}") if rerun_of else None


def _workflow_completed(told: _Told) -> Said:
    if not told.flag("degraded"):
        return Said("workflow completed", "green")
    missing = told.many("missing")
    without = ", ".join(str(each) for each in missing[:_NAMED_MAX]) + (", …" if len(missing) > _NAMED_MAX else "")
    return Said(f"workflow completed, degraded{f': without {without}' if missing else ''}", "yellow")


def _with(words: str, more: str) -> str:
    return f"{words}: {more}" if more else words


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


_WORDINGS: Mapping[str, Callable[[_Told], Said | None]] = {
    "workflow_created": _workflow_created,
    "workflow_paused": lambda told: Said(_with(f"paused by {told.text('user_id')}", told.text("reason")), "yellow"),
    "workflow_resumed": lambda told: Said(f"resumed by {told.text('user_id')}"),
    "workflow_retried": lambda told: Said(_by("retried", told)),
    "workflow_completed": _workflow_completed,
    "workflow_failed": lambda told: Said(_with("workflow failed", told.text("message")), "red"),
    "workflow_cancelled": lambda told: Said(_with("workflow cancelled", told.text("reason")), "yellow"),
    "task_created": _task_created,
    "task_completed": lambda _: Said("done", "green", ends=True),
    "task_failed": _task_failed,
    "task_retried": lambda _: Said("tried again"),
    "task_repair_requested": _task_repair_requested,
    "task_cancelled": lambda _: Said("called off", "yellow"),
    "step_started": _step_started,
    "step_completed": _step_completed,
    "step_skipped": _step_skipped,
    "step_failed": lambda told: Said(f"failed: {told.text('message')}", "red"),
    "step_cancelled": lambda _: Said("called off", "yellow"),
    "scope_ended": _scope_ended,
    "failure_tolerated": _failure_tolerated,
    "compensation_started": _compensation_started,
    "wait_started": _wait_started,
    "signal_received": lambda told: Said(f"signal {told.text('name')!r} from {told.text('user_id')}", "cyan"),
    "approval_requested": _approval_requested,
    "approval_invalidated": _approval_invalidated,
    "approval_decided": _approval_decided,
    "approval_escalated": _approval_escalated,
    "child_started": _child_started,
    "event_emitted": lambda told: Said(f"publishes {told.text('type')}"),
}
"""The words for every event that people want to hear of."""


def _by(words: str, told: _Told) -> str:
    return f"{words} by {told.text('user_id')}" if told.text("user_id") else words
