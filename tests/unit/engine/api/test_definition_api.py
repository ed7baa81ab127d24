"""What callers are told about definitions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archwright.engine.v1 import definitions_pb2 as pb
from archwright.errors import PayloadInvalid, RequestInvalid
from archwright.payloads import from_struct
from archwright.serving.calls import Call
from archwright.serving.tokens import ANONYMOUS, Caller
from services.chassis.clock import ManualClock
from services.engine.api.definitions import DefinitionApi
from services.engine.roster import FollowedRoster
from services.engine.storage.memory.catalogue import MemoryCatalogue

CALL = Call(
    Caller("ann", "acme", frozenset({"operator"}), "", ANONYMOUS.expires_at),
    {},
    "/archwright.engine.v1.DefinitionService/PublishDefinition",
    "",
    None,
)
REPORT = "name: report\nversion: {}\nsteps:\n  - {{name: write, agent: writer}}\n"


@pytest.fixture
def api() -> DefinitionApi:
    clock = ManualClock()
    return DefinitionApi(MemoryCatalogue(clock), FollowedRoster(), clock)


async def publish(api: DefinitionApi, source: str) -> pb.Definition:
    return await api.publish_definition(pb.PublishDefinitionRequest(source=source), CALL)


def nested(levels: int) -> dict[str, Any]:
    """Return a schema of objects in objects."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"inner": schema}}
    return schema


async def test_warnings_are_told_with_their_places_and_keep_nothing_from_being_published(api: DefinitionApi) -> None:
    source = REPORT.format("1.0.0") + "workflow_id: wf_1\n"

    checked = await api.validate_definition(pb.ValidateDefinitionRequest(source=source), CALL)
    published = await publish(api, source)

    assert checked.valid
    assert checked.content_hash == published.content_hash
    assert [(each.path, each.line, each.column) for each in checked.warnings] == [("workflow_id", 5, 14)]
    assert list(published.warnings) == list(checked.warnings)


async def test_what_is_wrong_has_no_warnings_and_no_hash(api: DefinitionApi) -> None:
    checked = await api.validate_definition(pb.ValidateDefinitionRequest(source="name: a\n"), CALL)

    assert (checked.valid, len(checked.problems), len(checked.warnings), checked.content_hash) == (False, 1, 0, "")


async def test_a_schema_that_is_deeper_than_payloads_is_in_the_text_alone(api: DefinitionApi) -> None:
    deep = json.dumps({"name": "deep", "input_schema": nested(12), "steps": [{"name": "s", "agent": "a"}]})
    flat = json.dumps({"name": "flat", "input_schema": nested(2), "steps": [{"name": "s", "agent": "a"}]})

    published = await publish(api, deep)
    assert published.source == deep
    assert not published.HasField("input_schema")
    assert from_struct((await publish(api, flat)).input_schema) == nested(2)

    listed = await api.list_definitions(pb.ListDefinitionsRequest(), CALL)
    assert {"deep", "flat"} <= {each.name for each in listed.definitions}


async def test_versions_come_in_pages(api: DefinitionApi) -> None:
    for number in range(5):
        await publish(api, REPORT.format(f"1.{number}.0"))

    request = pb.ListDefinitionVersionsRequest(name="report", page_size=2)
    pages: list[list[str]] = []
    while True:
        answer = await api.list_definition_versions(request, CALL)
        pages.append([each.version for each in answer.versions])
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token

    assert pages == [["1.4.0", "1.3.0"], ["1.2.0", "1.1.0"], ["1.0.0"]]


async def test_without_the_registry_a_plan_is_not_complete_and_blames_no_step(api: DefinitionApi) -> None:
    plan = await api.plan_definition(pb.PlanDefinitionRequest(source=REPORT.format("1.0.0")), CALL)

    assert (plan.agents_known, plan.complete, plan.steps[0].missing) == (False, False, "")


async def test_what_says_the_same_in_other_words_is_the_same(api: DefinitionApi) -> None:
    await publish(api, REPORT.format("1.0.0"))
    request = pb.DiffDefinitionsRequest(
        before=pb.DefinitionReference(name="report"),
        after=pb.DefinitionReference(source="# Another layout.\n" + REPORT.format("1.0.0")),
    )

    answer = await api.diff_definitions(request, CALL)

    assert answer.same
    assert (list(answer.changes), answer.text, answer.before_hash) == ([], "", answer.after_hash)
    assert not answer.affects_running_workflows


async def test_one_of_text_and_name_is_wanted(api: DefinitionApi) -> None:
    for request in (pb.PlanDefinitionRequest(), pb.PlanDefinitionRequest(source="x", name="report")):
        with pytest.raises(RequestInvalid, match="one of the two") as refused:
            await api.plan_definition(request, CALL)
        assert refused.value.violations[0].field == "source"


async def test_the_schema_of_the_language_can_be_carried(api: DefinitionApi) -> None:
    answer = await api.get_language_schema(pb.GetLanguageSchemaRequest(), CALL)

    try:
        schema = from_struct(answer.schema)
    except PayloadInvalid as deep:
        pytest.fail(str(deep))
    assert schema["title"] == "A workflow definition of Archwright"


async def test_a_definition_is_drawn(api: DefinitionApi) -> None:
    answer = await api.draw_definition(pb.DrawDefinitionRequest(source=REPORT.format("1.0.0")), CALL)

    assert answer.mermaid.startswith("flowchart TD")
