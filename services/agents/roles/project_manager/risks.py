"""What could go wrong: the table of risks, less those that nothing in this request shows.

Every risk names what it was seen in. Some are seen in the plan itself: a tight deadline, a role of one person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from archwright.agents.v1.business_analyst_pb2 import Actor
from archwright.agents.v1.project_manager_pb2 import Feasibility, ProjectPlan, ProjectRisk
from services.agents.knowledge.load import table
from services.agents.roles.project_manager.evidence import Evidence, Signals, listed, spoken
from services.agents.roles.project_manager.sources import Sources

_NARROW_SHARE = 0.4
_BIG_TEAM = 12
_MANY_ACTORS = 3
_RESPONSES: Mapping[str, ProjectRisk.Response.ValueType] = {
    "avoid": ProjectRisk.AVOID,
    "mitigate": ProjectRisk.MITIGATE,
    "transfer": ProjectRisk.TRANSFER,
    "accept": ProjectRisk.ACCEPT,
}


@dataclass(frozen=True, slots=True)
class RiskRule:
    """A risk and what shows it."""

    id: str
    cause: str
    event: str
    effect: str
    category: str
    probability: int
    impact: int
    response: Literal["avoid", "mitigate", "transfer", "accept"]
    action: str
    owner: str
    trigger: str
    lost_percent: float
    signal: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Risks:
    """The table of risks."""

    chance: Mapping[int, float]
    rules: tuple[RiskRule, ...]


@cache
def known_risks() -> Risks:
    """Return the table of risks."""
    return table("risks", Risks)


def risks(sources: Sources, signals: Signals, plan: ProjectPlan) -> list[ProjectRisk]:
    """Return the risks that the request and its plan show, worst first."""
    shown = {**signals, **_of_plan(sources, plan)}
    rules = known_risks()
    tight = plan.feasibility.verdict in {Feasibility.AT_RISK, Feasibility.INFEASIBLE}
    roles = {one.role for one in plan.team}
    found = []
    for rule in rules.rules:
        evidence = shown.get(rule.signal) if rule.signal else spoken(sources, rule.words)
        if evidence is None or not evidence.ids:
            continue
        # With no time to spare, what comes from outside or from unclear wishes is not absorbed any more.
        hurried = tight and rule.category in {"requirements", "external", "data_migration"}
        probability = min(5, rule.probability + hurried)
        hours = plan.estimation.total_hours.p50 * rule.lost_percent / 100 * rules.chance[probability]
        found.append(
            ProjectRisk(
                cause=_sentence(rule.cause.format(found=evidence.text or listed(evidence.ids))),
                event=rule.event,
                effect=rule.effect,
                probability=probability,
                impact=rule.impact,
                score=probability * rule.impact,
                category=rule.category,
                response=_RESPONSES[rule.response],
                action=rule.action,
                owner_role=rule.owner if rule.owner in roles else "project_manager",
                trigger=rule.trigger,
                contingency_hours=round(hours, 1),
                trace_ids=evidence.ids,
                rule_id=rule.id,
            )
        )
    found.sort(key=lambda one: (-one.score, one.rule_id))
    for ordinal, one in enumerate(found, start=1):
        one.id = f"RSK-{ordinal:02d}"
    return found


def _of_plan(sources: Sources, plan: ProjectPlan) -> dict[str, Evidence]:
    verdict, reason = plan.feasibility.verdict, plan.feasibility.reason.rstrip(".")
    stated = tuple(one.id for one in sources.spec.facts if one.kind == one.DEADLINE)
    counted = plan.feasibility.HasField("deadline_days")
    critical = [one.id for one in plan.activities if one.critical]
    share = len(critical) / len(plan.activities) if plan.activities else 0.0
    alone = [one.role.replace("_", " ") for one in plan.team if one.fte == 1 and one.role != "project_manager"]
    people = sum(one.fte for one in plan.team)
    actors = [one for one in sources.spec.actors if one.type != Actor.EXTERNAL_SYSTEM]
    return {
        "tight_deadline": Evidence(stated if counted and verdict == Feasibility.AT_RISK else (), reason),
        "impossible_deadline": Evidence(stated if verdict == Feasibility.INFEASIBLE else (), reason),
        "dated_deadline": Evidence(stated if verdict == Feasibility.AT_RISK and not counted else (), reason),
        "narrow_plan": Evidence(tuple(critical) if share >= _NARROW_SHARE else (), f"{share:.0%}"),
        "single_people": Evidence(
            tuple(one.wbs_id for one in plan.activities if one.role.replace("_", " ") in alone and one.critical),
            listed(alone),
        ),
        "big_team": Evidence(tuple(one.role for one in plan.team) if people >= _BIG_TEAM else (), f"{people:.0f}"),
        "many_actors": Evidence(
            tuple(one.id for one in actors) if len(actors) >= _MANY_ACTORS else (), listed(one.name for one in actors)
        ),
    }


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
