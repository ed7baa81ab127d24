"""How value comes to those it is for: the industry's stream as far as needed, else the main process."""

from __future__ import annotations

from collections.abc import Sequence

from archwright.agents.v1.business_architect_pb2 import Capability, Process, ValueStage, ValueStream
from archwright.agents.v1.model_pb2 import Source
from services.agents.roles.business_analyst.lexicon import verb_class
from services.agents.roles.business_architect.reading import Reading

_STAGES_MIN = 2


def find(reading: Reading, capabilities: Sequence[Capability], processes: Sequence[Process]) -> tuple[ValueStream, ...]:
    """Return the value streams of the request; none where nothing is to be done."""
    stream = _of_industry(reading, capabilities) or _of_process(reading, processes)
    return (stream,) if stream else ()


def _of_industry(reading: Reading, capabilities: Sequence[Capability]) -> ValueStream | None:
    if reading.industry is None or not reading.hits(reading.industry.stream.terms, reading.wanted):
        return None
    kind = reading.industry.stream
    ids = {capability.name: capability.id for capability in capabilities if capability.level == 2}
    needed = [(stage, [ids[name] for name in stage.capabilities if name in ids]) for stage in kind.stages]
    kept = [(stage, found) for stage, found in needed if found]
    if len(kept) < _STAGES_MIN:
        return None
    return ValueStream(
        id="VS-01",
        name=kind.name,
        beneficiary=kind.beneficiary,
        stages=[
            ValueStage(id=f"VS-01-S{at}", name=stage.name, capability_ids=found, entry=stage.entry, exit=stage.exit)
            for at, (stage, found) in enumerate(kept, 1)
        ],
        basis=Source.DERIVED,
        rule_id=f"stream.{reading.industry.id}",
    )


def _of_process(reading: Reading, processes: Sequence[Process]) -> ValueStream | None:
    """Return the longest process as a stream, one stage for each class of its verbs."""
    if not processes:
        return None
    main = max(processes, key=lambda process: len(process.steps))
    classes = list(dict.fromkeys(verb_class(step.verb).id for step in main.steps))
    stages = []
    entry = main.trigger_event
    for at, class_id in enumerate(classes, 1):
        names = [step.name for step in main.steps if verb_class(step.verb).id == class_id]
        leave = f"Done: {names[-1][:1].lower()}{names[-1][1:]}"
        stages.append(
            ValueStage(id=f"VS-01-S{at}", name=names[0], capability_ids=[main.capability_id], entry=entry, exit=leave)
        )
        entry = leave
    actor = next(
        (reading.actors[one.actor_id].name for one in reading.wanted if one.actor_id in reading.actors), "client"
    )
    return ValueStream(
        id="VS-01",
        name=main.name,
        stages=stages,
        beneficiary=actor.lower(),
        basis=Source.DERIVED,
        rule_id="stream.process",
    )
