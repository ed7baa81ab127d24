"""Whether workflows begin as they should where no caller starts them anew: by schedules, and as reruns of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from archwright.language.plan import ROOT, Plan
from checker.facts import Facts, Outside, WorkflowFacts
from services.engine.domain.events import CompensationStarted, Event, Json, StepCompleted, TaskCompleted, TaskCreated
from services.engine.domain.paths import name_of
from services.engine.domain.schedule import told


def i1_firings_start_what_they_say(facts: Facts, outside: Outside) -> Iterator[str]:
    """A firing that is noted as done has its workflow, none is passed over unnoted, and none has two."""
    kept = [(found.key.tenant, found.request_id) for found in facts.workflows]
    known = {*kept, *((each.key.tenant, each.request_id) for each in outside.removed)}
    for fired in outside.fired:
        firing = f"{fired.schedule_id}/{told(fired.fire_at)}"
        if not fired.fate:
            yield f"I1 firing {firing} was passed over, and nothing says why"
        if fired.fate == "started" and (fired.tenant, firing) not in known:
            yield f"I1 firing {firing} is noted to have started a workflow, and there is none"
    schedules = {fired.schedule_id for fired in outside.fired}
    # A request is forgotten with its workflow, and might start another; hence only those that are kept.
    parts = [request.split("/") for _, request in kept]
    for firing, times in Counter("/".join(each[:2]) for each in parts if each[0] in schedules).items():
        if times > 1:
            yield f"I1 firing {firing} started {times} workflows"


def i5_reruns_do_nothing_again(facts: Facts, outside: Outside) -> Iterator[str]:
    """A rerun takes over what was finished as it was, and does anew what is downstream of its step, and only that."""
    workflows = {found.key: found for found in facts.workflows}
    for rerun in outside.reruns:
        found, source = workflows.get(rerun.key), workflows.get(rerun.source)
        if found is None or source is None:
            continue
        events = source.events[: rerun.seqs_known]
        if any(isinstance(event, CompensationStarted) for event in events):
            continue  # what was undone is done anew as well
        anew = _downstream(found.plan, rerun.from_step)
        yield from _done_again(found, _finished(found.plan, events), anew)


def _done_again(found: WorkflowFacts, finished: Mapping[str, Json], anew: frozenset[int]) -> Iterator[str]:
    name = found.key.workflow_id
    for event in found.events:
        if isinstance(event, TaskCreated) and event.step in finished and found.plan.index[event.step] not in anew:
            yield f"I5 rerun {name} did step {event.step!r} again, which was finished"
        if isinstance(event, StepCompleted) and event.source == "rerun" and name_of(event.step) == event.step:
            if found.plan.index[event.step] in anew:
                yield f"I5 rerun {name} took over step {event.step!r}, which was to be done anew"
            elif event.step in finished and event.output != finished[event.step]:
                yield f"I5 rerun {name} took over another output of step {event.step!r}"


def _finished(plan: Plan, events: Sequence[Event]) -> dict[str, Json]:
    """Return the output of each task of the definition's own body."""
    tasks = (event for event in events if isinstance(event, TaskCompleted) and event.step in plan.index)
    return {event.step: event.output for event in tasks if plan.nodes[plan.index[event.step]].body == ROOT}


def _downstream(plan: Plan, from_step: str) -> frozenset[int]:
    """Return the step of the definition's own body that holds this one, and all that may come after it."""
    first = plan.index[name_of(from_step)]
    while (owner := plan.bodies[plan.nodes[first].body].owner) is not None:
        first = owner
    reached, led = {first}, [first]
    while led:
        further = set(plan.nodes[led.pop()].edges) - reached
        reached |= further
        led.extend(further)
    return frozenset(reached)
