"""Whether the money suffices: the budget of the request against the P50 and the P80 of the cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from archwright.agents.v1.accountant_pb2 import Budget
from archwright.agents.v1.model_pb2 import Fact, Finding
from services.agents.draft import Draft
from services.agents.facts import of_kind
from services.agents.roles.accountant.money import exchange_rate, whole, written


def given_budget(facts: Iterable[Fact], currency: str, gains: Collection[str], draft: Draft) -> int | None:
    """Return the smallest budget that the request names, in cents of `currency`; `gains` are facts that are none."""
    found: dict[int, str] = {}
    for fact in of_kind(facts, Fact.BUDGET):
        if fact.id in gains and fact.id:
            continue
        amount = fact.amount_cents if fact.HasField("amount_cents") else round(fact.number * 100)
        rate = exchange_rate(fact.unit or currency, currency)
        if rate is None:
            draft.finding(
                Finding.WARNING, "EXCHANGE_RATE_UNKNOWN",
                f"The budget is in {fact.unit}, of which no rate is known; it is compared with nothing.", [fact.id],
            )  # fmt: skip
        elif amount > 0:
            found.setdefault(whole(amount * rate), fact.id)
    if len(found) > 1:
        draft.finding(
            Finding.WARNING, "BUDGETS_DIFFER",
            f"The request names {len(found)} budgets; the smallest, {written(min(found), currency)}, is used.",
            sorted(found.values()),
        )  # fmt: skip
    return min(found, default=None)


def judge(given: int | None, p50: int, p80: int, currency: str, *, build_known: bool, hour_cents: int) -> Budget:
    """Return the verdict on a budget for the project up to its first day of use.

    Without a plan nothing is known about the larger part of the cost, so the verdict is at best `AT_RISK`.
    """
    budget = Budget(committed_cents=p80, p50_cents=p50, p80_cents=p80, verdict=Budget.NO_BUDGET)
    if given is None:
        budget.reason = f"The request names no budget. With a chance of four fifths {written(p80, currency)} suffice."
        return budget
    budget.given_cents = given
    budget.remaining_cents = given - p80
    said = written(given, currency)
    if p50 > given:
        budget.verdict = Budget.OVER
        over = p50 - given
        hours = f", about {-(-over // hour_cents):,} hours of work" if hour_cents else ""
        budget.reason = (
            f"The cost of {written(p50, currency)}, as likely more as less, is {written(over, currency)} "
            f"above the {said} given"
            f"{hours}: leave out what is not a must, deliver in phases, or raise the budget."
        )
    elif not build_known:
        budget.verdict = Budget.AT_RISK
        budget.reason = f"Without a plan the cost of building is unknown; {said} cannot be said to suffice."
    elif p80 > given:
        budget.verdict = Budget.AT_RISK
        budget.reason = (
            f"The {said} given cover the likely {written(p50, currency)}, but not the {written(p80, currency)} that "
            "suffice with a chance of four fifths: keep a reserve or agree what is left out first."
        )
    else:
        budget.verdict = Budget.WITHIN
        budget.reason = f"{written(p80, currency)} suffice with a chance of four fifths; {said} are given."
    return budget


def tell(budget: Budget, draft: Draft) -> None:
    """Record a finding when the money may not suffice: that is for people to decide on, and never stops the work."""
    if budget.verdict in {Budget.OVER, Budget.AT_RISK}:
        draft.finding(Finding.WARNING, f"BUDGET_{Budget.Verdict.Name(budget.verdict)}", budget.reason)
