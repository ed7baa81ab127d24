"""What commands say about definitions: plans as rows, differences as lines."""

from __future__ import annotations

from archwright.engine.v1.definitions_pb2 import (
    DefinitionChange,
    DefinitionVersion,
    PlanDefinitionResponse,
    PlannedStep,
)

PLAN_HEADINGS = ("STEP", "DOES", "AFTER", "TAKEN BY")

_INDENT = "  "
_AGENTS_TOLD_MAX = 3
_VALUE_CHARACTERS_MAX = 80
_SIGNS = {
    DefinitionChange.ADDED: "+",
    DefinitionChange.REMOVED: "-",
    DefinitionChange.CHANGED: "~",
    DefinitionChange.MOVED: ">",
}


def planned(step: PlannedStep) -> tuple[str, str, str, str]:
    """Return the row of a step in a plan."""
    return _INDENT * step.depth + step.name, step.kind, ", ".join(step.after), _takers(step)


def readiness(plan: PlanDefinitionResponse) -> str:
    """Return the sentence that sums a plan up."""
    title = f"{plan.name} {plan.version}"
    count = sum(1 for step in plan.steps if step.missing)
    if count:
        return f"{title} could be started, but {count} of {len(plan.steps)} steps would lack something now."
    if not plan.agents_known:
        return f"{title}: nobody knows who would take its steps, since the registry has not been heard of."
    return f"{title} lacks nothing: {len(plan.steps)} steps."


def deprecation(version: DefinitionVersion) -> str:
    """Return why new workflows should not follow a version, empty when they may."""
    if not version.HasField("deprecation"):
        return ""
    return version.deprecation.note or f"by {version.deprecation.deprecated_by}"


def change(change: DefinitionChange) -> str:
    """Return the line of one difference."""
    what = " ".join(part for part in (f"{change.step}:" if change.step else "", change.field) if part) or "definition"
    sign = _SIGNS[change.kind]
    match change.kind:
        case DefinitionChange.MOVED:
            return f"{sign} {what} stood at {change.before}, stands at {change.after}"
        case DefinitionChange.CHANGED:
            return f"{sign} {what}: {_short(change.before)} → {_short(change.after)}"
        case _:
            return f"{sign} {what} {_short(change.before or change.after)}"


def _takers(step: PlannedStep) -> str:
    if step.child:
        return step.child
    if not step.requirement:
        return ""
    if not step.agents_total:
        return f"{step.requirement}: nobody"
    named = [agent.agent_id for agent in step.agents[:_AGENTS_TOLD_MAX]]
    more = f" and {step.agents_total - len(named)} more" if step.agents_total > len(named) else ""
    return f"{step.requirement}: {', '.join(named)}{more}"


def _short(text: str) -> str:
    return text if len(text) <= _VALUE_CHARACTERS_MAX else f"{text[: _VALUE_CHARACTERS_MAX - 1]}…"
