"""Keeps decisions to what was shown."""

from __future__ import annotations

from archwright.language.model import Approval
from services.engine.domain.events import ApprovalInvalidated
from services.engine.domain.shown_files import hash_of, shown_files
from services.engine.domain.story import Story
from services.engine.domain.workflow import OpenApproval


def show_again(story: Story) -> None:
    """Void what was decided on files that are others now."""
    for path, asked in list(story.workflow.open.items()):
        if not isinstance(asked, OpenApproval):
            continue
        approval = story.plan.node(path).step.kind
        assert isinstance(approval, Approval)
        if not approval.artifacts:
            continue
        files = shown_files(approval, story.workflow)
        sha256 = hash_of(approval, story.known.values.get(asked.shown_seq), files)
        if sha256 != asked.shown_sha256:
            story.tell(ApprovalInvalidated(story.now, path, asked.approval_id, files, sha256))
