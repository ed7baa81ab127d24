"""Decision records: one for each point at which the design really took a turn.

The options' points are knowledge; the weights come from this request's quality requirements, so another request
weighs the same options otherwise. What the design did is recorded as chosen. Where another option has more points,
the record says why the design did not take it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from archwright.agents.v1.application_architect_pb2 import Interface
from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.infrastructure_architect_pb2 import DisasterRecovery, Node
from archwright.agents.v1.model_pb2 import Fact
from archwright.agents.v1.solution_architect_pb2 import Decision, DecisionOption
from services.agents.knowledge.load import table
from services.agents.naming import mentions, stems
from services.agents.roles.solution_architect.sources import Sources

_MUST_WEIGHT, _BUDGET_WEIGHT, _WEIGHT_MAX = 2, 4, 5
_BUDGET = "budget"
_STYLE_CONTEXT = "The parts of the system can be cut in several ways; figures of the request speak for one of them."


@dataclass(frozen=True, slots=True)
class Option:
    """One way to go: its points by criterion, from 1 to 5."""

    name: str
    scores: Mapping[str, int]
    pros: tuple[str, ...] = ()
    cons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Point:
    """A question that designs of this kind meet. `component_words` say when it comes up, if not always."""

    key: str
    title: str
    context: str
    consequences: Mapping[str, str]
    options: tuple[Option, ...]
    component_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Points:
    """All questions, and which characteristic of ISO/IEC 25010 each criterion stands for."""

    criteria: Mapping[str, str]
    points: tuple[Point, ...]


def decisions(sources: Sources) -> list[Decision]:
    """Return the decision records, numbered in the order of the questions."""
    known = table("decisions", Points)
    weights = _weights(sources, known)
    found = [_style(sources)] if sources.application.style.name else []
    for point in known.points:
        taken = _taken(point, sources)
        if taken is not None:
            chosen, why = taken
            chosen = chosen or _best(point, weights)
            found.append(_record(point, chosen, why, weights, _drivers(point, sources, known)))
    # What no requirement speaks for is a habit, not a decision.
    found = [one for one in found if one.drivers]
    for number, one in enumerate(found, start=1):
        one.id = f"ADR-{number:03d}"
    return found


def _record(point: Point, chosen: str, why: str, weights: Mapping[str, float], drivers: list[str]) -> Decision:
    mine = {name: weights[name] for name in point.options[0].scores}
    options = [
        DecisionOption(
            name=one.name,
            scores={name: float(score) for name, score in one.scores.items()},
            pros=one.pros,
            cons=one.cons,
            total=sum(mine[name] * score for name, score in one.scores.items()),
        )
        for one in point.options
    ]
    best = max(options, key=lambda one: one.total)
    total = next(one.total for one in options if one.name == chosen)
    override = "" if total >= best.total else f"{best.name.replace('_', ' ')} has {best.total:g} points, but {why}"
    return Decision(
        title=point.title,
        status="proposed",
        context=point.context,
        drivers=drivers,
        options=options,
        chosen=chosen,
        rationale=f"{why[0].upper()}{why[1:]}. It has {total:g} points by the qualities that this request asks for.",
        consequences=point.consequences.get(chosen, ""),
        weights=mine,
        override_reason=override,
    )


def _best(point: Point, weights: Mapping[str, float]) -> str:
    return max(point.options, key=lambda one: sum(weights[name] * score for name, score in one.scores.items())).name


def _style(sources: Sources) -> Decision:
    style = sources.application.style
    weights = {one.criterion: one.weight for score in style.score_table[:1] for one in score.criteria}
    best = max(style.score_table, key=lambda one: one.total, default=None)
    override = style.rationale if best is not None and best.style != style.name else ""
    return Decision(
        title="How the system is cut",
        status="proposed",
        context=_STYLE_CONTEXT,
        drivers=[one.id for one in sources.wanted() if one.kind == Requirement.CONSTRAINT]
        or [one.id for one in sources.wanted()][:3],
        options=[
            DecisionOption(
                name=one.style,
                scores={each.criterion: each.score for each in one.criteria},
                pros=[each.reason for each in one.criteria if each.score >= _WEIGHT_MAX],
                total=one.total,
            )
            for one in style.score_table
        ],
        chosen=style.name,
        rationale=style.rationale,
        consequences="Components keep their own records and meet at interfaces only, so they can be cut again later.",
        weights=weights,
        override_reason=override,
    )


def _taken(point: Point, sources: Sources) -> tuple[str, str] | None:
    """Return what the design chose at this point, and why, or None where the question did not come up.

    Where the design leaves the choice open, what is chosen is empty: the points decide.
    """
    nodes = sources.infrastructure.nodes
    match point.key:
        case "store":
            return _by_node(nodes, {Node.MANAGED_DB: "managed_relational"}, "the records' relations and rules need it")
        case "communication" if sources.application.interfaces:
            return _communication(sources)
        case "platform":
            kinds = {Node.K8S: "kubernetes", Node.CONTAINER: "containers", Node.VM: "hosts", Node.FUNCTION: "functions"}
            return _by_node(
                nodes, kinds, f"{sources.infrastructure.sizing.peak_rps:.0f} requests a second need no more"
            )
        case "recovery" if sources.infrastructure.dr.strategy:
            strategy = DisasterRecovery.Strategy.Name(sources.infrastructure.dr.strategy).lower()
            reason = sources.infrastructure.dr.reason or "it meets the time to recover"
            return strategy, _lower(reason)
        case _ if point.component_words:
            names = [one.name for one in sources.application.components]
            named = next(
                (name for name in names if any(mentions(stems(name), word) for word in point.component_words)), ""
            )
            return ("", f"{named} is a part of the design, and this way has the most points") if named else None
        case _:
            return None


def _communication(sources: Sources) -> tuple[str, str]:
    events = sum(one.protocol == Interface.EVENT or not one.sync for one in sources.application.interfaces)
    calls = len(sources.application.interfaces) - events
    if events and calls:
        return "calls_and_events", f"{calls} interfaces ask and wait, {events} tell what has happened"
    if events:
        return "events", f"all {events} interfaces tell what has happened"
    return "calls", f"all {calls} interfaces ask and wait"


def _by_node(nodes: Iterable[Node], kinds: Mapping[Node.Type.ValueType, str], why: str) -> tuple[str, str] | None:
    for kind, option in kinds.items():
        found = next((one for one in nodes if one.type == kind), None)
        if found is not None:
            return option, f"{found.name} is what the infrastructure is built on: {why}"
    return None


def _weights(sources: Sources, known: Points) -> dict[str, float]:
    limited = any(one.kind == Fact.BUDGET for one in sources.spec.facts)
    asked: dict[str, float] = {_BUDGET: _BUDGET_WEIGHT if limited else 1}
    for one in sources.qualities():
        weight = _MUST_WEIGHT if one.priority == Requirement.MUST else 1
        asked[one.quality.iso25010] = asked.get(one.quality.iso25010, 0) + weight
    return {
        name: float(min(_WEIGHT_MAX, 1 + asked.get(characteristic, 0)))
        for name, characteristic in known.criteria.items()
    }


def _drivers(point: Point, sources: Sources, known: Points) -> list[str]:
    characteristics = {known.criteria[name] for name in point.options[0].scores}
    found = [one.id for one in sources.qualities() if one.quality.iso25010 in characteristics]
    return (
        found
        or [one.id for one in sources.wanted() if one.kind == Requirement.CONSTRAINT]
        or [one.id for one in sources.wanted()][:3]
    )


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:].rstrip(".")
