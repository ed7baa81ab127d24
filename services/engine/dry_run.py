"""What a workflow of a definition would do, as things are now: its steps in order, and who would take each.

Nothing is started. A step that lacks something is told what, and what could be done about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from archwright.errors import DefinitionNotFound
from archwright.language.model import (
    AgentTask,
    Approval,
    ChildWorkflow,
    Emit,
    Fail,
    ForEach,
    Kind,
    Loop,
    OnUnavailable,
    Parallel,
    SetVars,
    Switch,
    Wait,
)
from archwright.language.plan import ROOT, Node, Plan
from archwright.language.requirement import Requirement
from archwright.language.vocabulary import did_you_mean
from services.engine.ports.definitions import Definitions
from services.engine.ports.roster import KnownAgent, Roster

_WORDS: Final[dict[type[Kind], str]] = {
    AgentTask: "agent",
    Parallel: "parallel",
    ForEach: "foreach",
    Switch: "switch",
    Loop: "loop",
    ChildWorkflow: "workflow",
    Approval: "approval",
    Wait: "wait",
    SetVars: "set",
    Emit: "emit",
    Fail: "fail",
}
_AGAIN_AND_AGAIN = (ForEach, Loop)
_TOLD_MAX = 5

NEIGHBOURS_MAX: Final = 100
"""Of the steps before or after one: between two large parallel groups, each has all of the other."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step as it would be done now. `missing` says what keeps it from that, empty when nothing does."""

    path: str
    node: Node
    depth: int
    after: tuple[str, ...]
    leads_to: tuple[str, ...]
    requirement: str = ""
    agents: Sequence[KnownAgent] = ()
    child: str = ""
    missing: str = ""


class DryRun:
    """Looks at definitions with the eyes of a tenant whose workflow would follow them."""

    def __init__(self, definitions: Definitions, roster: Roster) -> None:
        self._definitions = definitions
        self._roster = roster

    @property
    def knows_agents(self) -> bool:
        """Whether it can say who would take a step."""
        return self._roster.has_heard

    async def steps(self, tenant: str, plan: Plan) -> list[PlannedStep]:
        """Return every step of a plan in the order written, the inner ones after the one that they are part of."""
        before = _before(plan)
        takers: dict[str, Sequence[KnownAgent]] = {}
        children: dict[ChildWorkflow, tuple[str, str]] = {}
        steps: list[PlannedStep] = []
        for node, path, depth in _walk(plan, ROOT, "", 0):
            leads_to = tuple(plan.nodes[each].name for each in islice(dict.fromkeys(node.edges), NEIGHBOURS_MAX))
            step = PlannedStep(path, node, depth, tuple(before[node.index]), leads_to)
            match node.step.kind:
                case AgentTask() as task:
                    queue = Requirement.of(task).text
                    if queue not in takers:
                        takers[queue] = self._roster.agents_for(tenant, queue)
                    is_missed = self.knows_agents and not takers[queue]
                    missing = self._who_is_missing(tenant, task) if is_missed else ""
                    step = replace(step, requirement=queue, agents=takers[queue], missing=missing)
                case ChildWorkflow() as wanted:
                    if wanted not in children:
                        children[wanted] = await self._child(tenant, wanted.definition, wanted.version)
                    step = replace(step, child=children[wanted][0], missing=children[wanted][1])
                case _:
                    pass
            steps.append(step)
        return steps

    async def _child(self, tenant: str, name: str, version: str) -> tuple[str, str]:
        """Return what would be started, and what keeps it from that."""
        try:
            found = await self._definitions.get(tenant, name, version)
        except DefinitionNotFound as missing:
            return (f"{name}@{version}" if version else name), missing.message
        return f"{found.name}@{found.version}", ""

    def _who_is_missing(self, tenant: str, task: AgentTask) -> str:
        """Return which agent there would have to be, and who comes nearest."""
        wanted = Requirement.of(task)
        known = self._roster.agents_of(tenant)
        away = [agent for agent in known if wanted.is_met_by(agent.agent_type, agent.capabilities, agent.labels)]
        if away:
            said = f"nobody takes it now: {_listed(f'{agent.agent_id} is {agent.status}' for agent in away)}"
        else:
            said = f"no agent is registered that is {_told(wanted)}{_nearest(wanted, known)}"
        match task.on_unavailable:
            case OnUnavailable.WAIT:
                return said
            case OnUnavailable.FALLBACK:
                return f"{said}; its fallback would be done"
            case OnUnavailable.SKIP:
                return f"{said}; it would be skipped"
            case OnUnavailable.FAIL:
                return f"{said}; it would fail at once"


def word_for(kind: Kind) -> str:
    """Return the language's word for what a step does."""
    return _WORDS[type(kind)]


def _walk(plan: Plan, body: int, scope: str, depth: int) -> Iterator[tuple[Node, str, int]]:
    for number in plan.bodies[body].nodes:
        node = plan.nodes[number]
        path = f"{scope}/{node.name}" if scope else node.name
        yield node, path, depth
        times = "[]" if isinstance(node.step.kind, _AGAIN_AND_AGAIN) else ""
        inner = [*node.bodies, *(each for each in (node.fallback, node.compensation) if each is not None)]
        for each in inner:
            label = plan.bodies[each].label
            yield from _walk(plan, each, f"{path}{label or times}", depth + 1)


def _before(plan: Plan) -> list[list[str]]:
    """Return for each node the names of those that may lead to it, the first of them where they are many."""
    before: list[list[str]] = [[] for _ in plan.nodes]
    for node in plan.nodes:
        for target in dict.fromkeys(node.edges):
            if len(before[target]) < NEIGHBOURS_MAX:
                before[target].append(node.name)
    return before


def _told(wanted: Requirement) -> str:
    parts = [f"a {wanted.agent_type}"] if wanted.agent_type else []
    if wanted.capability:
        parts.append(f"able of {wanted.capability}{f' {wanted.versions}' if wanted.versions else ''}")
    parts += [f"labelled {name}={value}" for name, value in sorted(wanted.labels.items())]
    return " and ".join(parts)


def _nearest(wanted: Requirement, known: Sequence[KnownAgent]) -> str:
    """Return a question or a remark about the agents that fail by little."""
    of_type = [agent for agent in known if not wanted.agent_type or agent.agent_type == wanted.agent_type]
    if not of_type:
        return did_you_mean(wanted.agent_type, {agent.agent_type for agent in known})
    offers = {offer for agent in of_type for offer in agent.capabilities}
    if wanted.capability:
        similar = sorted(offer for offer in offers if offer.partition("@")[0] == wanted.capability)
        if not similar:
            return did_you_mean(wanted.capability, {offer.partition("@")[0] for offer in offers})
        if wanted.versions and not wanted.labels:
            return f"; there is {_listed(similar)}"
    return "; others are, but not labelled so" if wanted.labels else ""


def _listed(words: Iterator[str] | Sequence[str]) -> str:
    told = [*words]
    more = f" and {len(told) - _TOLD_MAX} more" if len(told) > _TOLD_MAX else ""
    return ", ".join(told[:_TOLD_MAX]) + more
