"""Serves WorkflowService: says which part of the API answers which call."""

from __future__ import annotations

from services.engine.api.explanations import Explanations
from services.engine.api.following import Following
from services.engine.api.reading import Reading
from services.engine.api.starting import Starting
from services.engine.api.steering import Steering


class WorkflowApi:
    """Answers callers about workflows."""

    def __init__(
        self,
        starting: Starting,
        steering: Steering,
        reading: Reading,
        following: Following,
        explanations: Explanations,
    ) -> None:
        self.start_workflow = starting.start_workflow
        self.start_workflows = starting.start_workflows
        self.rerun_workflow = starting.rerun_workflow
        self.update_workflow_status = steering.update_workflow_status
        self.pause_workflow = steering.pause_workflow
        self.resume_workflow = steering.resume_workflow
        self.cancel_workflow = steering.cancel_workflow
        self.retry_workflow = steering.retry_workflow
        self.signal_workflow = steering.signal_workflow
        self.get_workflow = reading.get_workflow
        self.list_workflows = reading.list_workflows
        self.list_history = reading.list_history
        self.get_task = reading.get_task
        self.list_tasks = reading.list_tasks
        self.watch_workflow = following.watch_workflow
        self.watch_workflow_sse = following.watch_workflow_sse
        self.explain_workflow = explanations.explain_workflow
