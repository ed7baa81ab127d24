"""What messages say: at once what happened and where to look, in usual words or in those of a rule."""

from __future__ import annotations

import orjson
import pytest
from told_events import event

from archwright.events.entries import read_entry
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from services.notifier.composing import SUBJECT_LENGTH_MAX, Composer
from services.notifier.domain.rules import EVENT_TYPES, On, Rule, Rules, Template
from services.notifier.message import Message

URL = "https://archwright.example.com/"


def compose(of: WorkflowEvent, *, url: str = URL, **template: str) -> Message:
    rule = Rule(name="all", tenant="*", on=On(events=("*",)), to=("mail",), template=Template(**template))
    return Composer(Rules(channels={}, rules=(rule,)), url).compose(rule, of)


@pytest.mark.parametrize(
    ("told", "subject", "says"),
    [
        (event("workflow_completed"), "Completed: architecture_creation", ["is complete", "result is ready"]),
        (event("workflow_completed", degraded="true"), "Completed", ["Parts of the result are missing"]),
        (
            event("workflow_failed", category="TIMEOUT", code="DEADLINE_PASSED"),
            "Failed: architecture_creation",
            ["TIMEOUT (DEADLINE_PASSED).", "archwright workflows explain wf_1", "archwright workflows retry wf_1"],
        ),
        (event("workflow_cancelled"), "Cancelled: architecture_creation", ["called off"]),
        (
            event("approval_requested", approval_id="apr_1", quorum="2", expires_at="2026-01-02T12:00:00Z"),
            "Your decision is needed: architecture_creation",
            ["at the step requirement_analysis", "How many must agree: 2.", "archwright approvals show apr_1"],
        ),
        (
            event("approval_escalated", approval_id="apr_1"),
            "Overdue",
            ["Nobody decided in time", "approvals show apr_1"],
        ),
        (
            event("task_failed", category="INTERNAL", attempt="3"),
            "Step failed: requirement_analysis of architecture_creation",
            ["failed for good", "Kind of failure: INTERNAL.", "business_analyst"],
        ),
        (event("compensation_started", category="INTERNAL"), "Failing, and being undone", ["is being undone"]),
        (event("workflow_paused"), "Workflow paused: architecture_creation", ["Somebody holds the workflow"]),
    ],
)
def test_a_person_understands_what_happened_and_where_to_look(
    told: WorkflowEvent, subject: str, says: list[str]
) -> None:
    made = compose(told)

    assert made.subject.startswith(subject)
    for words in [*says, "Workflow: wf_1", "Tenant: acme", "When: 2026-01-01 12:00:00 UTC", f"See: {made.link}\n"]:
        assert words in made.body
    assert made.link == "https://archwright.example.com/api/v1/workflows/wf_1"


@pytest.mark.parametrize("event_type", EVENT_TYPES)
def test_every_event_has_words_without_an_address_too(event_type: str) -> None:
    made = compose(event(event_type), url="")

    assert made.subject
    assert made.link == ""
    assert "See: archwright workflows show wf_1" in made.body


def test_a_rule_has_words_of_its_own() -> None:
    made = compose(event(), subject="{{ event.step }}\r\nBcc: all", body="{{ link }}", html="<b>{{ event.step }}</b>")

    assert made.subject == "requirement_analysis Bcc: all"
    assert made.body == f"{made.link}\n"
    assert made.html == "<b>requirement_analysis</b>"


def test_what_is_left_out_is_said_as_usual() -> None:
    assert compose(event(), subject="Oh no").body == compose(event()).body


def test_what_people_named_themselves_is_on_one_line_and_short() -> None:
    told = event()
    told.step = "a\r\nb\x1b[2J" + "x" * 10_000

    made = compose(told, subject="{{ event.step }}", html="{{ event.step }}")

    assert made.subject.startswith("a b [2Jxxx")
    assert len(made.subject) == SUBJECT_LENGTH_MAX
    assert "\n" not in made.html


def test_the_envelope_is_what_the_bus_carries() -> None:
    told = event("workflow_failed", category="TIMEOUT")

    [received] = read_entry({b"events": b"[" + compose(told).envelope + b"]"})

    assert received.event == told
    assert orjson.loads(received.envelope)["source"] == "/tenants/acme/workflows/wf_1"
