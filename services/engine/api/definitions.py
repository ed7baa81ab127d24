"""Serves DefinitionService."""

from __future__ import annotations

import asyncio

from archwright import language, payloads
from archwright.engine.v1 import definitions_pb2 as pb
from archwright.errors import DefinitionInvalid, PayloadTooLarge, RequestInvalid
from archwright.language.model import AgentTask
from archwright.serving.calls import Call
from services.chassis.clock import Clock
from services.engine.api.audit import audit_row
from services.engine.ports.definitions import Definitions, PublishedDefinition

_SOURCE_BYTES_MAX = 1 << 20
_PAGE_DEFAULT, _PAGE_MAX = 50, 200


class DefinitionApi:
    """Answers callers about definitions."""

    def __init__(self, definitions: Definitions, clock: Clock) -> None:
        self._definitions = definitions
        self._clock = clock

    async def validate_definition(
        self, request: pb.ValidateDefinitionRequest, call: Call
    ) -> pb.ValidateDefinitionResponse:
        """Check a text without keeping it."""
        _require_size(request.source)
        try:
            # A hostile text may take seconds to check; others must not wait for it.
            await asyncio.to_thread(language.load, request.source)
        except DefinitionInvalid as error:
            return pb.ValidateDefinitionResponse(
                valid=False,
                problems=[
                    pb.DefinitionProblem(line=each.line, column=each.column, path=each.field, message=each.description)
                    for each in error.violations
                ],
            )
        return pb.ValidateDefinitionResponse(valid=True)

    async def publish_definition(self, request: pb.PublishDefinitionRequest, call: Call) -> pb.Definition:
        """Keep a definition."""
        _require_size(request.source)
        audit = audit_row(call, self._clock, "definitions")
        found = await self._definitions.publish(call.caller.tenant, request.source, call.caller.subject, audit)
        return _view(found, whole=True)

    async def get_definition(self, request: pb.GetDefinitionRequest, call: Call) -> pb.Definition:
        """Return a definition with its text."""
        return _view(await self._definitions.get(call.caller.tenant, request.name, request.version), whole=True)

    async def list_definitions(self, request: pb.ListDefinitionsRequest, call: Call) -> pb.ListDefinitionsResponse:
        """Return a page of definitions, by name."""
        if request.page_size < 0:
            raise RequestInvalid(f"page_size is {request.page_size}; it must be from 0 to {_PAGE_MAX}.")
        limit = min(request.page_size or _PAGE_DEFAULT, _PAGE_MAX)
        found = await self._definitions.list(call.caller.tenant, limit=limit + 1, after=request.page_token)
        page = found[:limit]
        return pb.ListDefinitionsResponse(
            definitions=[_view(each, whole=False) for each in page],
            next_page_token=page[-1].name if len(found) > limit else "",
        )


def _require_size(source: str) -> None:
    size = len(source.encode())
    if size > _SOURCE_BYTES_MAX:
        raise PayloadTooLarge(
            f"source has {size:,} bytes; the limit is {_SOURCE_BYTES_MAX:,}. Split the definition into several.",
            facts={"field": "source", "size_bytes": str(size), "limit_bytes": str(_SOURCE_BYTES_MAX)},
        )


def _view(found: PublishedDefinition, *, whole: bool) -> pb.Definition:
    definition = found.plan.definition
    view = pb.Definition(
        name=found.name,
        version=found.version,
        description=definition.description,
        labels=dict(definition.labels),
        content_hash=found.content_hash,
        source=found.source if whole else "",
        steps=[
            pb.DefinitionStep(
                name=step.name,
                agent_type=step.kind.agent_type if isinstance(step.kind, AgentTask) else "",
                task_type=step.kind.task_type if isinstance(step.kind, AgentTask) else "",
            )
            for step in definition.steps
        ],
        created_by=found.created_by,
        built_in=found.built_in,
    )
    if definition.input_schema is not None:
        view.input_schema.CopyFrom(payloads.to_struct(definition.input_schema))
    if found.created_at is not None:
        view.created_at.FromDatetime(found.created_at)
    return view
