"""What stands in the tables beside a workflow, such as tasks and timers, as the effects of its commits change it."""

from __future__ import annotations

from dataclasses import dataclass, field

from services.engine.domain.clocks import ADMISSION_TIMER, APPROVAL, DEADLINE_TIMER, RETRY, WAIT
from services.engine.domain.commands import StartChild
from services.engine.domain.effects import Effects
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import OpenApproval, OpenChild, OpenTask, OpenWait, Workflow


@dataclass
class Rows:
    """What stands in the tables beside a workflow: each task with whether it is held, each timer's generation."""

    tasks: dict[str, bool] = field(default_factory=dict)
    timers: dict[str, int] = field(default_factory=dict)
    children: set[str] = field(default_factory=set)
    approvals: set[str] = field(default_factory=set)
    letters: set[str] = field(default_factory=set)
    """Tasks that wait for a person."""

    def change(self, made: Effects) -> None:
        """Write the effects of one commit."""
        for task_id in made.ended_tasks:
            self.tasks.pop(task_id, None)
        if made.holds:
            self.tasks = dict.fromkeys(self.tasks, made.holds == "hold")
        assert not {task.task_id for task in made.new_tasks} & self.tasks.keys()
        self.tasks |= {task.task_id: task.held for task in made.new_tasks}
        if made.clears_timers:
            self.timers.clear()
        for key in made.ended_timers:
            self.timers.pop(key, None)
        self.timers |= {timer.key: timer.generation for timer in made.new_timers}
        self.approvals |= {asked.approval_id for asked in made.approvals}
        self.approvals -= set(made.ended_approvals)
        if made.redriven is not None:
            self.letters.clear()
        self.letters |= {letter.task_id for letter in made.letters}
        for message in made.messages:
            if isinstance(message.command, StartChild):
                self.children.add(message.workflow_id)
            else:
                self.children.discard(message.workflow_id)

    @classmethod
    def of(cls, workflow: Workflow) -> Rows:
        """Return the rows that a workflow's state asks for."""
        is_held = workflow.status is WorkflowStatus.PAUSED
        rows = cls()
        match workflow.status:
            case WorkflowStatus.PENDING:
                rows.timers[ADMISSION_TIMER] = 0
            case WorkflowStatus.RUNNING:
                rows.timers[DEADLINE_TIMER] = workflow.clock
            case WorkflowStatus.FAILED:
                rows.letters = {failed.task_id for failed in workflow.exhausted.values()}
            case _:
                pass
        for path, step in workflow.open.items():
            match step:
                case OpenTask(retry_at=None):
                    rows.tasks[step.task_id] = is_held
                case OpenTask():
                    rows.timers[RETRY + path] = step.attempt
                case OpenWait(until=until) if until is not None:
                    rows.timers[WAIT + path] = step.generation
                case OpenApproval(expires_at=until):
                    rows.approvals.add(step.approval_id)
                    if until is not None:
                        rows.timers[APPROVAL + path] = step.generation
                case OpenChild():
                    rows.children.add(step.child_id)
                case _:
                    pass
        for key in workflow.due:
            rows.timers.pop(key, None)  # what it was for may have ended since
        return rows
