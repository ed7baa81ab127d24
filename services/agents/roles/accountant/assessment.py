"""The assessment itself: prices, people and conventions put together to one set of figures and what they mean."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from archwright.agents.v1.accountant_pb2 import (
    EstimateRange,
    ExchangeRate,
    FinancialAssessment,
    NetPresentValue,
    PriceCatalog,
)
from archwright.agents.v1.application_architect_pb2 import ApplicationArchitecture
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.infrastructure_architect_pb2 import InfrastructureArchitecture
from archwright.agents.v1.model_pb2 import Assumption, Fact, Finding, Source
from archwright.agents.v1.project_manager_pb2 import ProjectPlan
from services.agents.draft import Draft
from services.agents.facts import largest, of_kind
from services.agents.roles.accountant import cash_flow, labour, rate_card, running
from services.agents.roles.accountant.benefits import benefits, stated_gains
from services.agents.roles.accountant.budget import given_budget, judge, tell
from services.agents.roles.accountant.infrastructure_costs import infrastructure_costs, unpriced
from services.agents.roles.accountant.money import choose_currency, conventions, exact, exchange_rate, whole
from services.agents.roles.accountant.optimizations import optimizations
from services.agents.roles.accountant.prices import catalogue
from services.agents.roles.accountant.pricing.snapshot import Snapshot, hash_of
from services.agents.roles.accountant.sensitivity import sensitivity
from services.agents.roles.accountant.unit_costs import capability_costs, unit_costs


@dataclass(frozen=True, slots=True)
class Known:
    """What earlier roles found out; what is missing is empty."""

    spec: RequirementsSpec
    infrastructure: InfrastructureArchitecture
    plan: ProjectPlan
    application: ApplicationArchitecture
    text: str
    currency: str
    snapshot: Snapshot
    """The prices of the infrastructure."""


def assess(known: Known, draft: Draft) -> FinancialAssessment:
    """Return the assessment; findings and assumptions go to `draft`."""
    made = prices_alone(known, draft)
    currency = made.currency
    _spend(made, known, draft)
    gains = stated_gains(known.spec, known.text)
    made.benefits.extend(benefits(gains, currency, draft))
    figures = _figures(known, made, draft)
    _value(made, figures)
    _share_out(known, made)
    p50 = figures.build + figures.one_off
    given = given_budget(known.spec.facts, currency, {fact.id for fact, _ in gains}, draft)
    _ask(made, given, draft)
    hours = sum(exact(one.hours) for one in made.build_costs)
    made.budget.CopyFrom(
        judge(
            given,
            p50,
            figures.invested,
            currency,
            build_known=bool(made.build_costs),
            hour_cents=int(figures.build / hours) if hours else 0,
        )
    )
    tell(made.budget, draft)
    made.range.CopyFrom(_range(known, made, p50))
    return made


def prices_alone(known: Known, draft: Draft) -> FinancialAssessment:
    """Return an assessment that holds the infrastructure's prices alone; findings and assumptions go to `draft`."""
    currency = choose_currency(known.spec.facts, known.currency)
    if known.currency and known.currency.upper() != currency:
        draft.finding(
            Finding.WARNING,
            "EXCHANGE_RATE_UNKNOWN",
            f"No rate is known of {known.currency!r}, the currency asked for; amounts are in {currency}.",
        )
    prices, used = catalogue(), known.snapshot.prices
    rate = exchange_rate(prices.currency, currency)
    # `choose_currency` only ever chooses one of the table of exchange, which has the catalogue's own too.
    assert rate is not None, currency
    _assume_exchange(rate, prices.currency, currency, draft)
    return FinancialAssessment(
        currency=currency,
        fx=ExchangeRate(
            rate=float(rate),
            as_of=conventions().exchange.as_of,
            source=conventions().exchange.source,
            from_currency=prices.currency,
        ),
        price_catalog=PriceCatalog(
            version=known.snapshot.version,
            as_of=known.snapshot.as_of,
            provider=known.infrastructure.provider,
            region=known.infrastructure.region.id,
            hash=hash_of(used),
            prices=used,
        ),
        infra_costs=infrastructure_costs(known.infrastructure, known.snapshot, rate, draft),
    )


def _spend(made: FinancialAssessment, known: Known, draft: Draft) -> None:
    """Add everything else that is paid, and nothing yet of what that means."""
    facts, costs = tuple(known.spec.facts), made.infra_costs
    rates = rate_card.local_rates(facts, made.currency, draft)
    hours = labour.hours_of(known.plan)
    built = labour.build_costs(known.plan, rates, draft)
    made.build_costs.extend(built)
    made.run_costs.CopyFrom(running.run_costs(known.infrastructure, _users(known), hours, rates, draft))
    made.one_off.extend(running.one_off_costs(facts, known.infrastructure, known.plan, costs, rates))
    made.contingency.CopyFrom(labour.contingency(sum(one.amount_cents for one in built), hours))
    made.optimizations.extend(optimizations(known.infrastructure, costs))


def _figures(known: Known, made: FinancialAssessment, draft: Draft) -> cash_flow.Figures:
    rules = conventions()
    growth = rules.usage_growth
    stated = [exact(fact.number) / 100 for fact in of_kind(known.spec.facts, Fact.GROWTH) if fact.unit == "percent"]
    if stated:
        growth = max(stated)
    else:
        _assume(draft, "Use, and with it the infrastructure's bill, grows by this share each year", str(growth))
    _assume(draft, "What people cost grows by this share each year", str(rules.wage_growth))
    _assume(draft, "Waiting a year for money costs this share of it", str(rules.discount_rate), Assumption.MEDIUM)
    return cash_flow.Figures(
        years=rules.tco_years,
        build=sum(one.amount_cents for one in made.build_costs),
        contingency=made.contingency.amount_cents,
        one_off=running.once_cents(made.one_off),
        infrastructure_month=made.infra_costs.monthly_total_cents,
        people_year=running.total_cents(made.run_costs),
        benefit_year=sum(one.amount_cents for one in made.benefits),
        usage_growth=growth,
        wage_growth=rules.wage_growth,
        discount_rate=rules.discount_rate,
    )


def _value(made: FinancialAssessment, figures: cash_flow.Figures) -> None:
    """Add what the costs and benefits mean over the years."""
    made.tco.CopyFrom(cash_flow.total_cost(figures))
    flows = cash_flow.cash_flows(figures)
    made.cashflow.extend(flows)
    made.npv.CopyFrom(
        NetPresentValue(
            rate=float(figures.discount_rate), value_cents=cash_flow.worth(figures), cost_only=not made.benefits
        )
    )
    made.sensitivity.extend(sensitivity(figures))
    made.break_even_benefit_cents_per_year = cash_flow.break_even_benefit(figures, conventions().payback_months)
    if not made.benefits:
        return
    nets = [flow.net_cents for flow in flows]
    for name, value in (
        ("irr", cash_flow.internal_rate(nets)),
        ("payback_months", cash_flow.payback_months(nets)),
        ("roi", cash_flow.return_on_investment(flows)),
    ):
        if value is not None:
            setattr(made, name, value)


def _ask(made: FinancialAssessment, given: int | None, draft: Draft) -> None:
    """Ask for what only the client knows."""
    if given is None:
        draft.ask("How much money is there for this project?", "budget", "No budget limits it.")
    if not made.benefits:
        draft.ask("How much will it save or earn in a year?", "benefits", "None is counted; only costs are.")
    draft.ask("Which licences have to be bought besides?", "run_costs", "None.")


def _share_out(known: Known, made: FinancialAssessment) -> None:
    """Add what one of something costs."""
    made.unit_costs.CopyFrom(unit_costs(made.tco.total_cents, made.tco.years, _users(known), known.infrastructure))
    made.unit_costs.per_capability.extend(
        capability_costs(known.application, known.plan, made.build_costs, known.infrastructure, made.infra_costs)
    )


def _range(known: Known, made: FinancialAssessment, p50: int) -> EstimateRange:
    """Return how far off the estimate may be: class 4, or 5 while it rests on guesses or lacks prices or a plan."""
    functional = [one for one in known.spec.requirements if one.kind == Requirement.FUNCTIONAL]
    stated = [one for one in functional if one.basis == Source.EXPLICIT]
    firm = len(stated) * 2 > len(functional) and bool(made.build_costs) and not unpriced(made.infra_costs)
    wanted = 4 if firm else 5
    bounds = next(one for one in conventions().ranges if one.estimate_class == wanted)
    return EstimateRange(
        low_cents=whole(p50 * (1 + bounds.low)), high_cents=whole(p50 * (1 + bounds.high)), estimate_class=wanted
    )


def _users(known: Known) -> float | None:
    return known.infrastructure.sizing.users or largest(known.spec.facts, Fact.USERS)


def _assume_exchange(rate: Decimal, source: str, currency: str, draft: Draft) -> None:
    if source != currency:
        draft.assume(
            Assumption(
                text=f"One {source} buys this much {currency}: {conventions().exchange.source}",
                default_value=format(rate, "f"), unit=currency, impact=Assumption.LOW, rule_id="ACC-EXCHANGE",
                affects=["fx"],
            )
        )  # fmt: skip


def _assume(draft: Draft, text: str, value: str, impact: Assumption.Impact.ValueType = Assumption.LOW) -> None:
    draft.assume(
        Assumption(text=text, default_value=value, impact=impact, rule_id="ACC-CONVENTION", affects=["tco", "npv"])
    )
