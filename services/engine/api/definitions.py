"""Serves DefinitionService."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from google.protobuf.struct_pb2 import Struct

from archwright import language
from archwright.engine.v1 import definitions_pb2 as pb
from archwright.errors import DefinitionInvalid, PayloadTooLarge, RequestInvalid, Violation
from archwright.language.check import warnings
from archwright.language.diff import Change, diff, unified
from archwright.language.document import content_hash, document
from archwright.language.draw import draw
from archwright.language.language_schema import language_schema
from archwright.language.model import Definition
from archwright.language.parse import parse
from archwright.language.plan import Plan
from archwright.language.plan import compile as compile_plan
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.audit import audit_row
from services.engine.api.definition_views import (
    change_view,
    channel_view,
    definition_view,
    problem_views,
    step_views,
    version_view,
)
from services.engine.dry_run import DryRun
from services.engine.ports.definitions import Definitions
from services.engine.ports.roster import Roster

_SOURCE_BYTES_MAX: Final = 1 << 20
_PAGE_DEFAULT, _PAGE_MAX = 50, 200
_NOTE_CHARACTERS_MAX = 1_000
_CHANGES_MAX = 1_000

_Reference = pb.PlanDefinitionRequest | pb.DrawDefinitionRequest | pb.DefinitionReference


class DefinitionApi:
    """Answers callers about definitions."""

    def __init__(self, definitions: Definitions, roster: Roster, clock: Clock) -> None:
        self._definitions = definitions
        self._dry_run = DryRun(definitions, roster)
        self._clock = clock

    async def validate_definition(
        self, request: pb.ValidateDefinitionRequest, call: Call
    ) -> pb.ValidateDefinitionResponse:
        """Check a text without keeping it."""
        _require_size(request.source)
        try:
            checked = await asyncio.to_thread(_check, request.source)
        except DefinitionInvalid as error:
            return pb.ValidateDefinitionResponse(valid=False, problems=problem_views(error.violations))
        return pb.ValidateDefinitionResponse(
            valid=True, warnings=problem_views(checked.warnings), content_hash=checked.plan.content_hash
        )

    async def plan_definition(self, request: pb.PlanDefinitionRequest, call: Call) -> pb.PlanDefinitionResponse:
        """Tell what a workflow would do, and who would do it now."""
        checked = await self._read(request, call, "")
        steps = await self._dry_run.steps(call.caller.tenant, checked.plan)
        return pb.PlanDefinitionResponse(
            name=checked.plan.definition.name,
            version=checked.plan.definition.version,
            content_hash=checked.plan.content_hash,
            agents_known=self._dry_run.knows_agents,
            complete=self._dry_run.knows_agents and not any(step.missing for step in steps),
            steps=step_views(steps),
            warnings=problem_views(checked.warnings),
        )

    async def publish_definition(self, request: pb.PublishDefinitionRequest, call: Call) -> pb.Definition:
        """Keep a definition."""
        _require_size(request.source)
        audit = audit_row(call, self._clock, "definitions")
        found = await self._definitions.publish(
            call.caller.tenant, request.source, call.caller.subject, audit, request.channels
        )
        source = await self._definitions.source(call.caller.tenant, found.name, found.version)
        hardly_meant = await asyncio.to_thread(_warnings, request.source)
        return definition_view(found, source, hardly_meant)

    async def get_definition(self, request: pb.GetDefinitionRequest, call: Call) -> pb.Definition:
        """Return a definition with its text."""
        found = await self._definitions.get(call.caller.tenant, request.name, request.version)
        return definition_view(found, await self._definitions.source(call.caller.tenant, found.name, found.version))

    async def list_definitions(self, request: pb.ListDefinitionsRequest, call: Call) -> pb.ListDefinitionsResponse:
        """Return a page of definitions, by name."""
        limit = _page_size(request.page_size)
        found = await self._definitions.list(call.caller.tenant, limit=limit + 1, after=request.page_token)
        page = found[:limit]
        return pb.ListDefinitionsResponse(
            definitions=[definition_view(each) for each in page],
            next_page_token=page[-1].name if len(found) > limit else "",
        )

    async def list_definition_versions(
        self, request: pb.ListDefinitionVersionsRequest, call: Call
    ) -> pb.ListDefinitionVersionsResponse:
        """Return a page of a definition's versions, the highest first."""
        limit = _page_size(request.page_size)
        versions = await self._definitions.versions(call.caller.tenant, request.name)
        first = 0
        if request.page_token:
            places = {each.version: place for place, each in enumerate(versions)}
            if request.page_token not in places:
                raise _wrong("page_token", "page_token is none that this list returned. Leave it out to begin anew.")
            first = places[request.page_token] + 1
        page = versions[first : first + limit]
        return pb.ListDefinitionVersionsResponse(
            versions=[version_view(each) for each in page],
            next_page_token=page[-1].version if len(versions) > first + limit else "",
        )

    async def diff_definitions(self, request: pb.DiffDefinitionsRequest, call: Call) -> pb.DiffDefinitionsResponse:
        """Tell how two definitions differ."""
        before = (await self._read(request.before, call, "before")).plan.definition
        after = (await self._read(request.after, call, "after")).plan.definition
        compared = await asyncio.to_thread(_compare, before, after)
        if len(compared.changes) > _CHANGES_MAX:
            compared = _Compared(compared.changes[:_CHANGES_MAX], compared.text)
        return pb.DiffDefinitionsResponse(
            same=not compared.changes,
            changes=[change_view(each) for each in compared.changes],
            text=compared.text,
            affects_running_workflows=False,
            before_hash=content_hash(before),
            after_hash=content_hash(after),
        )

    async def deprecate_definition(self, request: pb.DeprecateDefinitionRequest, call: Call) -> pb.DefinitionVersion:
        """Have new workflows follow a version no longer."""
        if len(request.note) > _NOTE_CHARACTERS_MAX:
            raise _wrong("note", f"note has {len(request.note)} characters; the limit is {_NOTE_CHARACTERS_MAX}.")
        audit = audit_row(call, self._clock, f"definitions/{request.name}/{request.version}")
        return version_view(
            await self._definitions.deprecate(
                call.caller.tenant, request.name, request.version, request.note, call.caller.subject, audit
            )
        )

    async def restore_definition(self, request: pb.RestoreDefinitionRequest, call: Call) -> pb.DefinitionVersion:
        """Take a deprecation back."""
        audit = audit_row(call, self._clock, f"definitions/{request.name}/{request.version}")
        return version_view(await self._definitions.restore(call.caller.tenant, request.name, request.version, audit))

    async def list_channels(self, request: pb.ListChannelsRequest, call: Call) -> pb.ListChannelsResponse:
        """Return a definition's channels."""
        channels = await self._definitions.channels(call.caller.tenant, request.name)
        return pb.ListChannelsResponse(channels=[channel_view(each) for each in channels])

    async def set_channel(self, request: pb.SetChannelRequest, call: Call) -> pb.Channel:
        """Point a channel at a version."""
        audit = audit_row(call, self._clock, f"definitions/{request.name}/channels/{request.channel}")
        return channel_view(
            await self._definitions.set_channel(
                call.caller.tenant, request.name, request.channel, request.version, call.caller.subject, audit
            )
        )

    async def delete_channel(self, request: pb.DeleteChannelRequest, call: Call) -> pb.DeleteChannelResponse:
        """Delete a channel."""
        audit = audit_row(call, self._clock, f"definitions/{request.name}/channels/{request.channel}")
        await self._definitions.delete_channel(call.caller.tenant, request.name, request.channel, audit)
        return pb.DeleteChannelResponse()

    async def draw_definition(self, request: pb.DrawDefinitionRequest, call: Call) -> pb.DrawDefinitionResponse:
        """Draw a definition."""
        checked = await self._read(request, call, "")
        return pb.DrawDefinitionResponse(mermaid=await asyncio.to_thread(draw, checked.plan.definition))

    async def get_language_schema(
        self, request: pb.GetLanguageSchemaRequest, call: Call
    ) -> pb.GetLanguageSchemaResponse:
        """Return the JSON Schema of the language."""
        schema = Struct()
        schema.update(language_schema())
        return pb.GetLanguageSchemaResponse(schema=schema)

    async def _read(self, reference: _Reference, call: Call, field: str) -> _Checked:
        """Return the definition that a request is about, whether it is published or not."""
        if bool(reference.source) == bool(reference.name):
            said = "give a text as `source`, or the `name` of a published definition; one of the two"
            raise _wrong(field or "source", f"{field}: {said}." if field else f"{said[0].upper()}{said[1:]}.")
        if reference.source:
            _require_size(reference.source)
            return await asyncio.to_thread(_check, reference.source)
        found = await self._definitions.get(call.caller.tenant, reference.name, reference.version)
        source = await self._definitions.source(call.caller.tenant, found.name, found.version)
        return _Checked(found.plan, await asyncio.to_thread(_warnings, source))


@dataclass(frozen=True, slots=True)
class _Checked:
    """A definition without problems, and what is hardly meant about it."""

    plan: Plan
    warnings: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class _Compared:
    """How two definitions differ, in parts and as text."""

    changes: tuple[Change, ...]
    text: str


# A hostile text may take seconds; others must not wait for it, so all of these are called in threads.


def _check(source: str) -> _Checked:
    definition = language.load(source)
    return _Checked(compile_plan(definition), warnings(definition))


def _warnings(source: str) -> tuple[Violation, ...]:
    return warnings(parse(source))


def _compare(before: Definition, after: Definition) -> _Compared:
    old, new = document(before), document(after)
    text = unified(old, new, before_name=_title(before), after_name=_title(after))
    return _Compared(diff(old, new), text or "")


def _title(definition: Definition) -> str:
    return f"{definition.name}@{definition.version}"


def _page_size(asked: int) -> int:
    if asked < 0:
        raise _wrong("page_size", f"page_size is {asked}; it must be from 0 to {_PAGE_MAX}.")
    return min(asked or _PAGE_DEFAULT, _PAGE_MAX)


def _require_size(source: str) -> None:
    size = len(source.encode())
    if size > _SOURCE_BYTES_MAX:
        raise PayloadTooLarge(
            f"source has {size:,} bytes; the limit is {_SOURCE_BYTES_MAX:,}. Split the definition into several.",
            facts={"field": "source", "size_bytes": str(size), "limit_bytes": str(_SOURCE_BYTES_MAX)},
        )


def _wrong(field: str, description: str) -> RequestInvalid:
    return RequestInvalid(description, violations=[Violation(field, description)], facts={"field": field})
