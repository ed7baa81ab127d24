"""What happens after a disaster: the cheapest strategy that is back in time, by bands of the recovery time."""

from __future__ import annotations

from archwright.agents.v1.business_analyst_pb2 import RequirementsSpec
from archwright.agents.v1.infrastructure_architect_pb2 import DisasterRecovery
from archwright.agents.v1.model_pb2 import Assumption, Fact
from services.agents.draft import Draft
from services.agents.facts import minutes, shortest_minutes

RTO_DEFAULT_MINUTES = 240.0
RPO_DEFAULT_MINUTES = 60.0
BANDS = (
    (1.0, DisasterRecovery.ACTIVE_ACTIVE, "two regions work at the same time"),
    (15.0, DisasterRecovery.WARM, "a small copy runs in a second region and is grown"),
    (240.0, DisasterRecovery.PILOT_LIGHT, "the database is copied to a second region, the rest is built when needed"),
)
"""Up to so many minutes: the strategy."""

RPO_BANDS = ((1.0, DisasterRecovery.WARM), (60.0, DisasterRecovery.PILOT_LIGHT))
"""Losing at most so many minutes takes at least this strategy."""


def recovery(spec: RequirementsSpec, regions: int, draft: Draft) -> DisasterRecovery:
    """Return how the system comes back; times that no fact and no requirement gives are assumptions."""
    rto = _stated(spec, Fact.RTO, "recovery_time", RTO_DEFAULT_MINUTES, draft)
    rpo = _stated(spec, Fact.RPO, "recovery_point", RPO_DEFAULT_MINUTES, draft)
    strategy, how = next(
        ((strategy, how) for limit, strategy, how in BANDS if rto <= limit),
        (DisasterRecovery.BACKUP, "backups are restored in a second region"),
    )
    least = next((strategy for limit, strategy in RPO_BANDS if rpo <= limit), DisasterRecovery.BACKUP)
    if least > strategy:
        strategy, how = least, next(how for _, one, how in BANDS if one == least)
    if regions > 1:
        strategy, how = DisasterRecovery.ACTIVE_ACTIVE, BANDS[0][2]
    reason = f"Back in {rto:g} minutes and at most {rpo:g} minutes lost: {how}."
    return DisasterRecovery(rto_minutes=rto, rpo_minutes=rpo, strategy=strategy, reason=reason)


def _stated(spec: RequirementsSpec, kind: Fact.Kind.ValueType, metric: str, default: float, draft: Draft) -> float:
    found = minutes(spec.facts, kind)
    if found is not None:
        return found
    measured = [one.measure for one in spec.requirements if one.measure.metric == metric]
    given = shortest_minutes((one.value, one.unit) for one in measured)
    if given is not None:
        return given
    draft.assume(
        Assumption(
            text=f"The request names no {metric.replace('_', ' ')} after a disaster.",
            default_value=f"{default:g}",
            unit="minutes",
            impact=Assumption.MEDIUM,
            rule_id="INF-RECOVERY",
        )
    )
    return default
