"""Words from one workflow to another as JSON text, and back."""

from __future__ import annotations

import orjson

from services.engine.domain.commands import CancelWorkflow, EndChild, StartChild
from services.engine.domain.events import Parent
from services.engine.domain.transitions import WorkflowStatus
from services.engine.storage.codec import moment


def dump_message(command: StartChild | EndChild | CancelWorkflow) -> bytes:
    """Return the text of a word."""
    match command:
        case StartChild():
            parent = [command.parent.workflow_id, command.parent.step]
            found = [
                "start",
                command.child_id,
                command.definition_name,
                command.definition_version,
                command.input,
                parent,
            ]
        case EndChild():
            ended = [command.now, command.step, command.child_id, command.status, command.output]
            found = ["end", *ended, command.degraded, command.message]
        case CancelWorkflow():
            found = ["cancel", command.now, command.user_id, command.reason]
    return orjson.dumps(found)


def load_message(text: bytes) -> StartChild | EndChild | CancelWorkflow:
    """Return the word of a text that `dump_message` made."""
    match orjson.loads(text):
        case ["start", child_id, name, version, given, [workflow_id, step]]:
            return StartChild(child_id, name, version, given, Parent(workflow_id, step))
        case ["end", at, step, child_id, status, output, degraded, message]:
            now = moment(at)
            assert now is not None
            return EndChild(now, step, child_id, WorkflowStatus(status), output, degraded, message)
        case ["cancel", at, user_id, reason]:
            now = moment(at)
            assert now is not None
            return CancelWorkflow(now, user_id, reason)
        case found:
            raise AssertionError(f"no version of ours wrote such a message: {found!r:.80}")
