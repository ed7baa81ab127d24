"""Dead letters as callers see them."""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from archwright.engine.v1 import dead_letters_pb2 as pb
from archwright.language.model import ErrorCategory
from archwright.problem.v1 import reason_pb2
from services.engine.api.views import set_time, struct_of
from services.engine.domain.events import Event, Json, TaskFailed, TaskRepairRequested
from services.engine.ports.dead_letters import LetterKind, LetterRow, LetterState

_KIND: Mapping[LetterKind, pb.DeadLetter.Kind.ValueType] = {
    LetterKind.TASK: pb.DeadLetter.TASK,
    LetterKind.EVENT: pb.DeadLetter.EVENT,
}
_STATE: Mapping[LetterState, pb.DeadLetter.State.ValueType] = {
    LetterState.WAITING: pb.DeadLetter.WAITING,
    LetterState.REDRIVEN: pb.DeadLetter.REDRIVEN,
    LetterState.DISCARDED: pb.DeadLetter.DISCARDED,
}


def letter_view(row: LetterRow) -> pb.DeadLetter:
    """Return a dead letter as lists show it."""
    view = pb.DeadLetter(
        letter_id=row.letter_id,
        kind=_KIND[row.kind],
        state=_STATE[row.state],
        workflow_id=row.workflow_id,
        definition_name=row.definition_name,
        definition_version=row.definition_version,
        step=row.step,
        task_id=row.task_id,
        agent_type=row.agent_type,
        category=_category(ErrorCategory(row.category)) if row.category else reason_pb2.ERROR_CATEGORY_UNSPECIFIED,
        code=row.code,
        attempts_made=row.attempts,
        ended_by=row.ended_by,
        discard_reason=row.reason,
        group=row.group,
        event_id=row.event_id,
    )
    set_time(view.created_at, row.created_at)
    set_time(view.ended_at, row.ended_at)
    return view


def event_letter_view(row: LetterRow) -> pb.DeadLetter:
    """Return a dead letter of an event with the event, as far as that can be read."""
    view = letter_view(row)
    view.message = row.error
    try:
        envelope = orjson.loads(row.envelope)
    except orjson.JSONDecodeError:
        envelope = {"unreadable": row.envelope.decode(errors="replace")}
    view.input.CopyFrom(struct_of(envelope if isinstance(envelope, dict) else {"unreadable": envelope}))
    return view


def add_attempt(view: pb.DeadLetter, event: Event) -> None:
    """Add what an event of the task's tells of an attempt at it."""
    match event:
        case TaskFailed():
            attempt = view.attempts.add(
                attempt=event.attempt,
                agent_id=event.agent_id,
                category=_category(event.category),
                code=event.code,
                message=event.message,
            )
            set_time(attempt.failed_at, event.at)
            view.message = event.message
        case TaskRepairRequested():
            message = f"Its output did not fit and was sent back: {'; '.join(event.errors)}"
            attempt = view.attempts.add(attempt=event.attempt, agent_id=event.agent_id, message=message)
            set_time(attempt.failed_at, event.at)
        case _:
            pass


def add_input(view: pb.DeadLetter, given: Json) -> None:
    """Add what the task was given."""
    if isinstance(given, dict):
        view.input.CopyFrom(struct_of(given))


def _category(category: ErrorCategory) -> reason_pb2.ErrorCategory.ValueType:
    return reason_pb2.ErrorCategory.Value(category.name)
