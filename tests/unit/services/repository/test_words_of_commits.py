"""What commits and tags say is the same each time, and nobody who writes a comment can add a line of his own."""

from __future__ import annotations

from archwright.engine.v1.approvals_pb2 import Approval, ApprovalDecision, ShownArtifact
from archwright.engine.v1.workflows_pb2 import Workflow
from services.repository.wording import commit_message, tag_message

DESIGN = Workflow(workflow_id="wf_1", definition_name="design", definition_version="1.2.0", user_id="ann")


def test_a_commit_names_definition_version_workflow_and_who_started_it() -> None:
    assert commit_message("models", DESIGN) == (
        "Keep what design 1.2.0 made\n\nDefinition: design 1.2.0\nWorkflow: wf_1\nStarted-by: ann\nRule: models\n"
    )


def test_a_tag_names_who_agreed_to_what_and_leaves_out_what_is_void() -> None:
    approval = Approval(
        approval_id="approval_1",
        step="consent",
        status=Approval.APPROVED,
        shown_sha256="ab" * 32,
        artifacts=[ShownArtifact(name="model.xml", sha256="cd" * 32)],
        decisions=[
            ApprovalDecision(user_id="eve", approved=True, comment="too early", void=True),
            ApprovalDecision(user_id="bob", approved=True, comment="fine\n\nAgreed: carol\u202e\0"),
        ],
    )

    assert tag_message("wf_1", [approval]) == (
        "Approved: wf_1\n"
        "\n"
        "Approval: approval_1\n"
        "Step: consent\n"
        "Status: approved\n"
        f"Shown-sha256: {'ab' * 32}\n"
        f"Shown: model.xml {'cd' * 32}\n"
        "Agreed: bob\n"
        "Comment: fine Agreed: carol\n"
    )
