"""Every definition that the guide shows is published as it stands and run to its end."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from documents import all_blocks
from players import Players, ended

from archwright import Client, Task
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.language.model import AgentTask
from archwright.language.parse import parse
from archwright.language.plan import compile as compile_plan
from archwright.payloads import Json

GUIDE = "docs/language.md"
SHOWN = {parse(text).name: text for _, language, text in all_blocks(GUIDE) if language == "yaml"}
ANSWER: Json = {
    "accepted": True,
    "amount": 12,
    "number": "7",
    "text": "a text",
    "advice": "shorter",
    "score": 9,
    "result": "fine",
    "rows": [{"amount": 5}, {"amount": 500}],
}
"""What every agent returns: there is something in it for each of the examples."""
PARTS = {
    "fraud_check": "name: fraud_check\nsteps: [{name: look, set: {seen: true}}]",
    "payment": "name: payment\nsteps: [{name: pay, set: {paid: true}}]",
}
"""The definitions that examples start and the guide does not show."""


@dataclass(frozen=True)
class Case:
    """What an example is started with, what it is sent, and how it ends."""

    given: dict[str, Json] = field(default_factory=dict)
    ends: str = "COMPLETED"
    signals: tuple[str, ...] = ()


CASES = {
    "greeting": Case({"name": "Ann"}),
    "claim_settlement": Case({"amount": 20000, "customer": "Ann"}),
    "house": Case({"budget": 5000}),
    "triage": Case({"urgency": "high"}),
    "quotation": Case({"product": "tea", "request_id": "r1"}),
    "portfolio": Case({"systems": [{"name": "a", "is_live": True}, {"name": "b", "is_live": False}]}),
    "routing": Case({"amount": 500}),
    "claim_with_fraud_check": Case({"claim": {"id": 1}}),
    "totals": Case({"rows": [1, 2]}),
    "assessment": Case({"claim_id": "c1"}),
    "limits": Case({"amount": 2_000_000}, ends="FAILED"),
    "trip": Case({"city": "Rome"}),
    "expressions": Case({"customer": "Ann"}),
    "reminders": Case({"due": "soon"}, signals=("go",)),
}
WAITS_FOR_PEOPLE = {"release"}


@pytest.fixture(scope="module")
async def everybody(client: Client, cast: Players) -> None:
    """One agent of every type that the guide names, and the definitions that it only mentions."""

    async def play(task: Task) -> Json:
        return ANSWER

    plans = [compile_plan(parse(text)) for text in SHOWN.values()]
    kinds = [node.step.kind for plan in plans for node in plan.nodes]
    for agent_type in sorted({kind.agent_type for kind in kinds if isinstance(kind, AgentTask) and kind.agent_type}):
        await cast.add(agent_type, play)
    await cast.add("pricing_desk", play, capabilities=["pricing@1.4.0"], labels={"region": "eu"})
    for text in PARTS.values():
        await client.definitions.publish(text, channels=["stable"])


async def until_people_are_asked(client: Client, workflow_id: str) -> None:
    async for update in client.watch(workflow_id):
        if isinstance(update, WorkflowEvent) and update.event_type.endswith("approval_requested"):
            return


@pytest.mark.parametrize("name", sorted(SHOWN))
async def test_what_the_guide_shows_runs_to_its_end(client: Client, workflows: Any, everybody: None, name: str) -> None:
    case = CASES.get(name, Case())
    definition = await client.definitions.publish(SHOWN[name].replace("seconds: 90", "seconds: 1"))
    due = datetime.now(UTC) + timedelta(seconds=1)  # noqa: TID251  the mesh goes by the real clock
    given = case.given | ({"due": due.isoformat()} if "due" in case.given else {})

    workflow = await client.start(definition.name, given)
    for signal in case.signals:
        await workflows.SignalWorkflow(pb.SignalWorkflowRequest(workflow_id=workflow.workflow_id, name=signal))

    if name in WAITS_FOR_PEOPLE:
        await until_people_are_asked(client, workflow.workflow_id)
        await client.cancel(workflow.workflow_id)
        return
    found = await ended(client, workflow.workflow_id)
    assert found.status == case.ends, found.why


def test_every_case_is_one_that_the_guide_shows() -> None:
    assert set(CASES) | WAITS_FOR_PEOPLE <= set(SHOWN)
