"""How steps begin that do not hold others: tasks, children, approvals, waits, and those that are done at once."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from archwright import ids
from archwright.language.model import (
    AgentTask,
    Approval,
    ChildWorkflow,
    Emit,
    ErrorCategory,
    Json,
    Schema,
    SetVars,
    Wait,
)
from archwright.language.plan import Node, Scope
from archwright.language.requirement import Requirement
from archwright.language.schema import validator
from archwright.language.template import Template
from services.engine.domain.clocks import later, queue_by
from services.engine.domain.events import (
    ApprovalRequested,
    ChildStarted,
    EventEmitted,
    StepCompleted,
    TaskCreated,
    WaitStarted,
)
from services.engine.domain.routing import next_after
from services.engine.domain.shown_files import hash_of, shown_files
from services.engine.domain.story import Story
from services.engine.domain.values import Unread, canonical, input_of, vars_of
from services.engine.domain.workflow import Failure, OpenWait

VARS_BYTES_MAX = 64 * 1024
"""Of all named values of a workflow, as JSON: agents are given them with every task."""

_PROBLEMS_TOLD = 5
_SECONDS_MAX = 366 * 24 * 3600


class Unfit(Exception):
    """A step cannot be begun, or ended, with the values at hand."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(ErrorCategory.PERMANENT, code, message)


def require_fit(schema: Schema | None, value: Json, path: str, what: str) -> None:
    """Raise Unfit unless an input or output fits its schema."""
    problems = misfits(schema, value, what)
    if problems:
        told = "; ".join(problems)
        raise Unfit(f"{what.upper()}_MISMATCH", f"The {what} of step {path!r} does not fit its {what}_schema: {told}")


def misfits(schema: Schema | None, value: Json, what: str) -> tuple[str, ...]:
    """Return what is wrong with a value by a schema, the first few problems of it."""
    if schema is None:
        return ()
    found = validator(schema).problems(value, root=what)
    return tuple(f"{problem.field}: {problem.description}" for problem in found[:_PROBLEMS_TOLD])


def make_task(story: Story, path: str, node: Node, scope: Scope) -> None:
    """Make a step's task, unless the step cache has its output."""
    task = node.step.kind
    assert isinstance(task, AgentTask)
    given = input_of(story.workflow, story.known, path, node, scope)
    require_fit(node.step.input_schema, given, path, "input")
    cache_key = ""
    # The cache is asked by what the author named, which says nothing of an input that was edited.
    if task.cache is not None and path not in story.workflow.edited:
        cache_key = _cache_key(story, node, text(node.templates["cache"], scope))
        found = story.known.cached.get(cache_key)
        if found is None:
            raise Unread([cache_key])
        if found:
            output = found[0]
            story.tell(
                StepCompleted(story.now, path, output=output, next=next_after(story, path, output), source="cache")
            )
            return
    given_text = canonical(given)
    task_id = _id(story, "task", path)
    story.inputs[task_id] = given_text
    story.tell(
        TaskCreated(
            at=story.now,
            step=path,
            task_id=task_id,
            agent_type=queue_of(task),
            task_type=task.task_type,
            priority=task.priority,
            timeout_seconds=task.timeout_seconds,
            queue_by=queue_by(task, story.now),
            input_sha256=hashlib.sha256(given_text).hexdigest(),
            idempotency_key=text(node.templates["idempotency_key"], scope) if task.idempotency_key else "",
            cache_key=cache_key,
        )
    )


def ask_for_child(story: Story, path: str, node: Node, scope: Scope) -> None:
    """Ask for a workflow of the step's own."""
    child = node.step.kind
    assert isinstance(child, ChildWorkflow)
    given = node.input(scope)
    require_fit(node.step.input_schema, given, path, "input")
    child_id = _id(story, "wf", path)
    story.tell(ChildStarted(story.now, path, child_id, child.definition, child.version, given))


def ask_people(story: Story, path: str, node: Node, scope: Scope) -> None:
    """Show a step's input to those who may approve of it."""
    approval = node.step.kind
    assert isinstance(approval, Approval)
    shown = node.input(scope)
    files = shown_files(approval, story.workflow)
    seconds = approval.expires_after_seconds
    story.tell(
        ApprovalRequested(
            at=story.now,
            step=path,
            approval_id=_id(story, "approval", path),
            approvers=approval.approvers,
            quorum=approval.quorum,
            shown=shown,
            shown_sha256=hash_of(approval, shown, files),
            expires_at=None if seconds is None else later(story.now, seconds),
            artifacts=files,
        )
    )


def wait(story: Story, path: str, node: Node, scope: Scope) -> None:
    """Begin to wait; a signal that has come already ends the waiting at once."""
    waiting = node.step.kind
    assert isinstance(waiting, Wait)
    until: datetime | None = None
    if "seconds" in node.templates:
        until = later(story.now, _seconds(path, node.templates["seconds"].fill(scope)))
    elif "until" in node.templates:
        until = _time(path, node.templates["until"].fill(scope))
    elif waiting.timeout_seconds is not None:
        until = later(story.now, waiting.timeout_seconds)
    story.tell(WaitStarted(story.now, path, until, waiting.signal or ""))
    take_signal(story, path)


def take_signal(story: Story, path: str) -> None:
    """End a step's waiting if the signal that it waits for has come."""
    found = story.workflow.open.get(path)
    if not isinstance(found, OpenWait) or not found.signal:
        return
    come = story.workflow.signals.get(found.signal)
    if come:
        payload = story.known.values[come[0]] if come[0] else None
        require_fit(story.plan.node(path).step.output_schema, payload, path, "output")
        following = next_after(story, path, payload)
        story.tell(StepCompleted(story.now, path, parts=come[0] or None, next=following, source="signal"))


def set_vars(story: Story, path: str, node: Node, scope: Scope) -> None:
    """Name values."""
    kind = node.step.kind
    assert isinstance(kind, SetVars)
    values = node.templates["set"].fill_mapping(scope, "the values of a set step")
    size = len(canonical(vars_of(story.workflow, story.known) | values))
    if size > VARS_BYTES_MAX:
        raise Unfit(
            "VARS_TOO_LARGE",
            f"With step {path!r} the vars would have {size:,} bytes; at most {VARS_BYTES_MAX:,} are allowed.",
        )
    story.tell(
        StepCompleted(story.now, path, output=values, next=next_after(story, path, values), vars=tuple(sorted(values)))
    )


def emit(story: Story, path: str, node: Node, scope: Scope) -> None:
    """Publish an event of the author's."""
    kind = node.step.kind
    assert isinstance(kind, Emit)
    payload = node.templates["payload"].fill(scope)
    following = next_after(story, path, None)
    story.tell(EventEmitted(story.now, path, kind.type, payload))
    story.tell(StepCompleted(story.now, path, next=following))


def text(template: Template, scope: Scope) -> str:
    """Return the text that a template gives; other values as JSON."""
    value = template.fill(scope)
    return value if isinstance(value, str) else canonical(value).decode()


def queue_of(task: AgentTask) -> str:
    """Return the queue that a task waits in: the text of what an agent must be."""
    if not task.capability and not task.labels:
        return task.agent_type
    return Requirement.of(task).text


def _cache_key(story: Story, node: Node, key: str) -> str:
    """Return the key of the step cache: what the author said, and whose step of which definition it is."""
    owner = [story.plan.definition.name, node.name, story.plan.content_hash, key]
    return hashlib.sha256(canonical(owner)).hexdigest()


def _id(story: Story, prefix: str, path: str) -> str:
    """Return an id that the same step of the same try would be given again."""
    workflow = story.workflow
    return ids.show_derived(prefix, story.now_ms, workflow.workflow_id, path, str(workflow.retries))


def _seconds(path: str, value: Json) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _SECONDS_MAX:
        raise Unfit(
            "WAIT_INVALID", f"Step {path!r} is to wait {value!r} seconds; it must be from 0 to {_SECONDS_MAX:,}."
        )
    return float(value)


def _time(path: str, value: Json) -> datetime:
    try:
        found = datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError:
        raise Unfit(
            "WAIT_INVALID", f"Step {path!r} is to wait until {value!r}; it must be a time such as 2030-01-31T12:00:00Z."
        ) from None
    found = found.replace(microsecond=found.microsecond // 1000 * 1000)  # as times are kept
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
