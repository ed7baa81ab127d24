"""What a command makes true.

`decide` is pure: the same workflow, command and known values always give the same events. It refuses what a
caller may not do with `TransitionIllegal`, what has become pointless with `Stale`, what was done before with
`Repeated`, and what it cannot know yet with `Unread`; nothing changes in any of these cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, assert_never

from archwright.language.plan import Plan
from services.engine.domain import redriving, steering, tasks, waiting
from services.engine.domain.commands import (
    AdmitWorkflow,
    CancelWorkflow,
    Command,
    CompleteTask,
    DecideApproval,
    EndChild,
    FailTask,
    FireTimer,
    PauseWorkflow,
    RedriveTask,
    Repeated,
    ResumeWorkflow,
    RetryWorkflow,
    SignalWorkflow,
    StartWorkflow,
    TellUnavailable,
)
from services.engine.domain.events import Event
from services.engine.domain.going_on import go_on
from services.engine.domain.story import Story
from services.engine.domain.values import Known
from services.engine.domain.workflow import Workflow


class Decided(NamedTuple):
    """The facts that a command made true, the workflow and what is known after them, and the inputs of new tasks."""

    workflow: Workflow
    events: tuple[Event, ...]
    inputs: Mapping[str, bytes]
    known: Known


def decide(plan: Plan, workflow: Workflow, command: Command, known: Known) -> Decided:
    """Return what `command` makes true.

    Raises TransitionIllegal when the workflow's status does not allow it, RoleDenied and LimitReached where these
    apply, Stale when it speaks of something that is over, Repeated when its request was served before, and Unread
    when the step cache has to be read first.
    """
    request_id = getattr(command, "request_id", "")
    if request_id and request_id in workflow.requests:
        raise Repeated(request_id)
    story = Story(plan, workflow, known, command.now)
    _obey(story, command)
    go_on(story)
    return Decided(story.workflow, tuple(story.events), story.inputs, story.known_after())


def _obey(story: Story, command: Command) -> None:
    match command:
        case CompleteTask():
            tasks.complete(story, command)
        case FailTask():
            tasks.fail(story, command)
        case StartWorkflow():
            steering.start(story, command)
        case AdmitWorkflow():
            steering.admit(story, command)
        case TellUnavailable():
            tasks.unavailable(story, command)
        case FireTimer():
            waiting.fire(story, command)
        case EndChild():
            waiting.end_child(story, command)
        case SignalWorkflow():
            waiting.signal(story, command)
        case DecideApproval():
            waiting.decide_approval(story, command)
        case PauseWorkflow():
            steering.pause(story, command)
        case ResumeWorkflow():
            steering.resume(story, command)
        case RetryWorkflow():
            steering.retry(story, command)
        case RedriveTask():
            redriving.redrive(story, command)
        case CancelWorkflow():
            steering.cancel(story, command)
        case _:
            assert_never(command)
