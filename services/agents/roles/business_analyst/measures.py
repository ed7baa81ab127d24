"""Finds how a quality is measured: by a number of its own sentence, else by what its class usually takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from archwright.agents.v1.business_analyst_pb2 import Measure
from archwright.agents.v1.model_pb2 import Fact, Source
from services.agents.roles.business_analyst.facts import within
from services.agents.roles.business_analyst.qualities import Quality
from services.agents.roles.business_analyst.regulations import MeasureKind
from services.agents.roles.business_analyst.sentences import Sentence

_METRICS: Mapping[int, str] = {
    Fact.LATENCY: "response_time",
    Fact.AVAILABILITY: "availability",
    Fact.RTO: "recovery_time",
    Fact.RPO: "recovery_point",
    Fact.TPS: "throughput",
    Fact.CONCURRENT_USERS: "concurrent_users",
    Fact.DATA_VOLUME: "volume",
    Fact.USERS: "users",
    Fact.GROWTH: "growth",
}
_OPS = {"EQ": Fact.EQ, "LT": Fact.LT, "LE": Fact.LE, "GT": Fact.GT, "GE": Fact.GE, "APPROX": Fact.APPROX}
_MINIMUMS = frozenset({Fact.TPS, Fact.CONCURRENT_USERS, Fact.AVAILABILITY, Fact.USERS, Fact.DATA_VOLUME})


def of_kind(kind: MeasureKind, basis: Source.Basis.ValueType) -> Measure:
    """Return a measure of the knowledge."""
    return Measure(metric=kind.metric, op=_OPS[kind.op], value=kind.value, unit=kind.unit, basis=basis)


def find(quality: Quality, sentence: Sentence | None, facts: Sequence[Fact], measured_by: str = "") -> Measure:
    """Return the measure that the sentence names, else the class's own as assumed."""
    here = [fact for fact in within(facts, sentence.start, sentence.end) if fact.HasField("number")] if sentence else []
    named = [fact for fact in here if fact.kind in _METRICS] or [
        fact for fact in here if fact.kind == Fact.QUANTITY and fact.unit
    ]
    if not named:
        return of_kind(quality.measure, Source.ASSUMED)
    fact = next((one for one in named if one.id == measured_by), named[0])
    op = Fact.GE if fact.op == Fact.EQ and fact.kind in _MINIMUMS else fact.op
    metric = _METRICS.get(fact.kind, quality.measure.metric)
    return Measure(metric=metric, op=op, value=fact.number, unit=fact.unit, basis=fact.basis)
