"""Keeps decisions to what was shown, and people from deciding what they have had a hand in."""

from __future__ import annotations

from archwright.language.model import REQUESTER, Approval
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


def kept_from_deciding(story: Story, path: str, user_id: str) -> str:
    """Return why somebody may not decide, whoever they are; nothing where they may."""
    approval = story.plan.node(path).step.kind
    assert isinstance(approval, Approval)
    for name in approval.separate_from:
        if name == REQUESTER:
            if user_id == story.workflow.requester:
                return "they started this workflow"
        elif user_id in story.workflow.agreed.get(name, ()):
            return f"they agreed at step {name!r}"
    return ""
