"""Definitions as callers see them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from archwright import payloads
from archwright.engine.v1 import definitions_pb2 as pb
from archwright.errors import PayloadInvalid, Violation
from archwright.language.diff import Change, ChangeKind
from archwright.language.model import AgentTask, Json, Step
from services.engine.domain.definitions import Channel, DefinitionVersion, Deprecation
from services.engine.dry_run import PlannedStep, word_for
from services.engine.ports.definitions import PublishedDefinition

_AGENTS_TOLD_MAX = 20
_AGENTS_TOLD_IN_ALL_MAX = 4_000
_VALUE_CHARACTERS_MAX = 1_000

_KIND = {
    ChangeKind.ADDED: pb.DefinitionChange.ADDED,
    ChangeKind.REMOVED: pb.DefinitionChange.REMOVED,
    ChangeKind.CHANGED: pb.DefinitionChange.CHANGED,
    ChangeKind.MOVED: pb.DefinitionChange.MOVED,
}


def definition_view(found: PublishedDefinition, source: str = "", warnings: Sequence[Violation] = ()) -> pb.Definition:
    """Return a definition, with its text where that is given."""
    definition, published = found.plan.definition, found.published
    view = pb.Definition(
        name=published.name,
        version=published.version,
        description=definition.description,
        labels=dict(definition.labels),
        content_hash=published.content_hash,
        source=source,
        steps=[_step(step) for step in definition.steps],
        created_by=published.created_by,
        built_in=published.built_in,
        deprecation=_deprecation(published.deprecation),
        warnings=problem_views(warnings),
    )
    view.created_at.FromDatetime(published.created_at)
    if isinstance(definition.input_schema, dict):
        # A schema may be nested deeper than payloads are; then it is only in the text.
        with suppress(PayloadInvalid):
            view.input_schema.CopyFrom(payloads.to_struct(definition.input_schema))
    return view


def version_view(version: DefinitionVersion) -> pb.DefinitionVersion:
    """Return a version without what it says."""
    view = pb.DefinitionVersion(
        name=version.name,
        version=version.version,
        content_hash=version.content_hash,
        created_by=version.created_by,
        built_in=version.built_in,
        channels=version.channels,
        deprecation=_deprecation(version.deprecation),
    )
    view.created_at.FromDatetime(version.created_at)
    return view


def channel_view(channel: Channel) -> pb.Channel:
    """Return a channel."""
    view = pb.Channel(
        name=channel.definition, channel=channel.name, version=channel.version, updated_by=channel.updated_by
    )
    if channel.updated_at is not None:
        view.updated_at.FromDatetime(channel.updated_at)
    return view


def problem_views(violations: Sequence[Violation]) -> list[pb.DefinitionProblem]:
    """Return what is wrong with a text, or hardly meant."""
    return [
        pb.DefinitionProblem(line=each.line, column=each.column, path=each.field, message=each.description)
        for each in violations
    ]


def step_views(steps: Sequence[PlannedStep]) -> list[pb.PlannedStep]:
    """Return the steps of a plan; a long plan names fewer agents for each."""
    agents_max = max(1, min(_AGENTS_TOLD_MAX, _AGENTS_TOLD_IN_ALL_MAX // max(1, len(steps))))
    return [
        pb.PlannedStep(
            path=step.path,
            name=step.node.name,
            kind=word_for(step.node.step.kind),
            depth=step.depth,
            after=step.after,
            leads_to=step.leads_to,
            requirement=step.requirement,
            agents=[
                pb.PlannedAgent(agent_id=agent.agent_id, agent_type=agent.agent_type)
                for agent in step.agents[:agents_max]
            ],
            agents_total=len(step.agents),
            child=step.child,
            missing=step.missing,
        )
        for step in steps
    ]


def change_view(change: Change) -> pb.DefinitionChange:
    """Return one difference; a value that is very long is cut short."""
    return pb.DefinitionChange(
        kind=_KIND[change.kind],
        step=change.step,
        field=change.field,
        before="" if change.kind is ChangeKind.ADDED else _shortened(change.before),
        after="" if change.kind is ChangeKind.REMOVED else _shortened(change.after),
        schema=change.is_about_schema,
    )


def _step(step: Step) -> pb.DefinitionStep:
    match step.kind:
        case AgentTask(agent_type=agent_type, task_type=task_type):
            return pb.DefinitionStep(name=step.name, agent_type=agent_type, task_type=task_type, kind="agent")
        case _:
            return pb.DefinitionStep(name=step.name, kind=word_for(step.kind))


def _deprecation(deprecation: Deprecation | None) -> pb.Deprecation | None:
    if deprecation is None:
        return None
    view = pb.Deprecation(note=deprecation.note, deprecated_by=deprecation.by)
    view.deprecated_at.FromDatetime(deprecation.at)
    return view


def _shortened(value: Json) -> str:
    text = payloads.canonical(value).decode()
    return text if len(text) <= _VALUE_CHARACTERS_MAX else f"{text[:_VALUE_CHARACTERS_MAX]}…"
