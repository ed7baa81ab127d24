"""Steps that wait for people, and what those are shown."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from story import NOON, Story, names

from archwright.errors import RoleDenied, TransitionIllegal
from services.engine.domain.commands import DecideApproval, RetryWorkflow, Stale, StartWorkflow
from services.engine.domain.events import ApprovalRequested, StepCompleted, StepFailed
from services.engine.domain.values import canonical


def deliver(said: str = "", more: str = "") -> str:
    return f"""
    name: d
    steps:
      - {{name: plan, agent: x}}
      - name: agree
        approval: {{approvers: ["role:architect", "user:eve"]{said}}}
        input: {{plan: "${{steps.plan.output}}"}}
        {more}
      - {{name: deliver, agent: x, input: {{agreed: "${{steps.agree.output}}"}}}}
    """


def asked(said: str = "", more: str = "") -> Story:
    story = Story.begun(deliver(said, more))
    story.complete("plan", {"cost": 5})
    return story


def test_people_are_shown_the_steps_input_and_bound_to_its_hash() -> None:
    story = Story.begun(deliver())

    requested = story.complete("plan", {"cost": 5})[-1]

    assert isinstance(requested, ApprovalRequested)
    assert requested.shown == {"plan": {"cost": 5}}
    assert requested.shown_sha256 == hashlib.sha256(canonical(requested.shown)).hexdigest()
    assert story.status == "running"


def test_who_agrees_lets_the_workflow_go_on() -> None:
    story = asked()

    assert names(story.decide("agree", "ann", "architect")) == [
        "ApprovalDecided agree",
        "StepCompleted agree",
        "TaskCreated deliver",
    ]
    assert story.inputs == [{"agreed": {"approved": True, "decided_by": ["ann"], "comment": "fine"}}]


def test_one_may_be_named_by_role_or_by_name() -> None:
    assert names(asked().decide("agree", "eve"))[0] == "ApprovalDecided agree"
    with pytest.raises(RoleDenied, match="'bob' is none of those who may decide: role:architect, user:eve"):
        asked().decide("agree", "bob", "developer")


def test_what_was_shown_must_be_what_is_decided_on() -> None:
    story = asked()
    approval = replace(story.approval("agree"), shown_sha256="0" * 64)
    before = story.workflow

    with pytest.raises(TransitionIllegal, match="Look at the approval once more"):
        story.when(DecideApproval(NOON, approval.approval_id, "eve", frozenset(), True, "", approval.shown_sha256))
    assert story.workflow == before


def test_it_takes_as_many_different_people_as_are_asked_for() -> None:
    story = asked(", quorum: 2")
    assert names(story.decide("agree", "ann", "architect")) == ["ApprovalDecided agree"]

    with pytest.raises(TransitionIllegal, match="'ann' has agreed already; another approver has to"):
        story.decide("agree", "ann", "architect")
    assert names(story.decide("agree", "eve")) == [
        "ApprovalDecided agree",
        "StepCompleted agree",
        "TaskCreated deliver",
    ]
    assert story.inputs[0]["agreed"]["decided_by"] == ["ann", "eve"]


def test_one_who_does_not_agree_fails_the_step() -> None:
    story = asked(", quorum: 2")
    story.decide("agree", "ann", "architect")

    [_, failed, _] = story.decide("agree", "eve", approved=False)

    assert isinstance(failed, StepFailed)
    assert (str(failed.category), failed.code) == ("business", "APPROVAL_REJECTED")
    assert failed.message == "eve did not approve of step 'agree': not like this"


def test_a_rejection_may_be_gone_on_from() -> None:
    story = asked(", on_reject: continue")

    story.decide("agree", "eve", approved=False)

    assert story.inputs == [{"agreed": {"approved": False, "decided_by": ["eve"], "comment": "not like this"}}]


def test_other_branches_go_on_while_people_are_waited_for() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: agree, approval: {approvers: ["user:eve"]}, parallel_execution: true}
      - {name: work, agent: x, parallel_execution: true}
      - {name: after, agent: x}
    """)

    assert names(story.complete("work")) == ["TaskCompleted work"]
    assert names(story.decide("agree", "eve"))[-1] == "TaskCreated after"


@pytest.mark.parametrize(
    ("on_expiry", "told"),
    [
        ("reject", ["StepFailed agree", "WorkflowFailed agree"]),
        ("approve", ["StepCompleted agree", "TaskCreated deliver"]),
    ],
)
def test_when_nobody_decides_in_time_the_definition_does(on_expiry: str, told: list[str]) -> None:
    story = asked(f", expires_after: 1h, on_expiry: {on_expiry}")
    assert [(timer.key, timer.due_at) for timer in story.effects.new_timers] == [
        ("approval:agree", NOON + timedelta(hours=1))
    ]

    assert names(story.fire("approval:agree")) == told


def test_others_are_asked_as_well_when_nobody_decides_in_time_and_only_once() -> None:
    story = asked(", expires_after: 1h, on_expiry: escalate, escalate_to: ['role:boss']")
    first = story.approval("agree")

    assert names(story.fire("approval:agree")) == ["ApprovalEscalated agree"]

    again = story.approval("agree")
    assert again.approvers == ("role:architect", "user:eve", "role:boss")
    assert again.approval_id == first.approval_id
    [timer] = story.effects.new_timers
    assert (timer.key, timer.generation) == ("approval:agree", again.generation)
    assert names(story.fire("approval:agree")) == ["StepFailed agree", "WorkflowFailed agree"]


def test_whoever_is_asked_later_may_decide() -> None:
    story = asked(", expires_after: 1h, on_expiry: escalate, escalate_to: ['role:boss']")
    story.fire("approval:agree")

    assert names(story.decide("agree", "bob", "boss"))[-1] == "TaskCreated deliver"


def test_an_expiry_that_was_escalated_is_stale() -> None:
    story = asked(", expires_after: 1h, on_expiry: escalate, escalate_to: ['role:boss']")
    before = story.approval("agree")
    story.fire("approval:agree")
    assert story.approval("agree").generation != before.generation

    with pytest.raises(Stale):
        story.fire_of("approval:agree", before.generation)


def test_nobody_can_decide_on_what_is_decided() -> None:
    story = asked()
    approval = story.approval("agree")
    story.decide("agree", "eve")

    with pytest.raises(TransitionIllegal, match="waits for nobody any more"):
        story.when(DecideApproval(NOON, approval.approval_id, "eve", frozenset(), True, "", approval.shown_sha256))


def test_a_decision_ends_the_timer_of_the_approval() -> None:
    story = asked(", expires_after: 1h")
    story.decide("agree", "eve")

    assert story.effects.ended_timers == ("approval:agree",)


def test_what_was_decided_must_fit_what_the_step_promises() -> None:
    story = asked(more="output_schema: {properties: {comment: {maxLength: 1}}}")

    [_, completed] = story.decide("agree", "eve")[:2]

    assert not isinstance(completed, StepCompleted)
    assert names(story.told)[-1] == "WorkflowFailed agree"


def test_a_retry_asks_people_anew() -> None:
    story = asked()
    first = story.approval("agree").approval_id
    story.decide("agree", "eve", approved=False)

    assert names(story.retry()) == ["WorkflowRetried", "ApprovalRequested agree"]
    assert story.approval("agree").approval_id != first


SEPARATED = """
name: separated
steps:
  - {name: review, approval: {approvers: ["role:architect"], separate_from: [requester]}}
  - {name: sign_off, approval: {approvers: ["role:architect"], separate_from: [review, requester]}}
"""


def test_who_started_the_workflow_may_not_decide_where_the_definition_separates_the_two() -> None:
    story = Story.begun(SEPARATED)

    with pytest.raises(RoleDenied, match="'ann' may not decide: they started this workflow"):
        story.decide("review", "ann", "architect")
    assert names(story.decide("review", "bob", "architect"))[0] == "ApprovalDecided review"


def test_who_let_the_workflow_go_on_after_a_failure_counts_as_one_who_asked_for_it() -> None:
    story = Story.begun(SEPARATED)
    story.decide("review", "bob", "architect", approved=False)
    story.when(RetryWorkflow(story.now, "eve"))

    with pytest.raises(RoleDenied, match="'eve' may not decide: they started this workflow, or let it go on"):
        story.decide("review", "eve", "architect")
    assert names(story.decide("review", "bob", "architect"))[0] == "ApprovalDecided review"


def test_a_child_is_asked_for_by_all_who_asked_for_its_parent() -> None:
    story = Story.of(SEPARATED)
    story.when(StartWorkflow(NOON, story.workflow.workflow_id, {}, "r1", "ann", "", on_behalf_of=("eve",)))

    for user in ("ann", "eve"):
        with pytest.raises(RoleDenied, match="may not be both"):
            story.decide("review", user, "architect")


def test_an_agent_never_decides() -> None:
    story = Story.begun(SEPARATED)

    with pytest.raises(RoleDenied, match="'bot' is an agent, and approvals are for people"):
        story.decide("review", "bot", "architect", "agent")


def test_who_agreed_at_another_step_may_not_decide_where_the_definition_separates_the_two() -> None:
    story = Story.begun(SEPARATED)
    story.decide("review", "bob", "architect")

    with pytest.raises(RoleDenied, match="they agreed at step 'review'"):
        story.decide("sign_off", "bob", "architect")
    assert names(story.decide("sign_off", "eve", "architect"))[-1] == "WorkflowCompleted"


SHOWN = """
name: shown
steps:
  - {name: draft, agent: x}
  - name: both
    parallel:
      branches:
        again: [{name: polish, agent: x}]
        people:
          - name: agree
            approval: {approvers: ["role:architect"], quorum: 2, artifacts: ["report.html", "deliverables/*"]}
            input: {title: a report}
"""
ONE, TWO = "1" * 64, "2" * 64


def shown(files: dict[str, str]) -> Story:
    story = Story.begun(SHOWN)
    story.complete("draft", files=files)
    return story


def asked_with(story: Story) -> ApprovalRequested:
    [requested] = [told for told in story.told if isinstance(told, ApprovalRequested)]
    return requested


def test_an_approval_shows_the_files_whose_names_fit_and_its_hash_covers_them() -> None:
    story = shown({"report.html": ONE, "deliverables/a/b.json": TWO, "notes.txt": TWO})

    asked = asked_with(story)
    assert [(file.name, file.sha256) for file in asked.artifacts] == [
        ("deliverables/a/b.json", TWO),
        ("report.html", ONE),
    ]
    other = asked_with(shown({"report.html": TWO, "deliverables/a/b.json": TWO}))
    assert asked.shown_sha256 != other.shown_sha256


def test_a_file_that_changes_voids_what_was_decided_and_is_asked_about_again() -> None:
    story = shown({"report.html": ONE})
    before = story.approval("both.people/agree")
    story.decide("both.people/agree", "ann", "architect")

    assert names(story.complete("both.again/polish", files={"report.html": TWO}))[:2] == [
        "TaskCompleted both.again/polish",
        "ApprovalInvalidated both.people/agree",
    ]

    after = story.approval("both.people/agree")
    assert after.agreed == ()
    assert after.shown_sha256 != before.shown_sha256
    stale = DecideApproval(NOON, after.approval_id, "eve", frozenset({"architect"}), True, "", before.shown_sha256)
    with pytest.raises(TransitionIllegal, match="Look at the approval once more"):
        story.when(stale)
    story.decide("both.people/agree", "ann", "architect")
    assert names(story.decide("both.people/agree", "eve", "architect"))[-1] == "WorkflowCompleted"


def test_a_file_that_is_made_again_as_it_was_or_that_nobody_is_shown_voids_nothing() -> None:
    story = shown({"report.html": ONE})
    story.decide("both.people/agree", "ann", "architect")

    assert "ApprovalInvalidated both.people/agree" not in names(
        story.complete("both.again/polish", files={"report.html": ONE, "notes.txt": TWO})
    )
    assert story.approval("both.people/agree").agreed == ("ann",)
