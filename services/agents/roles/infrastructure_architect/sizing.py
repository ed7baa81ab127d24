"""How much the system needs, as a chain of formulas that anyone can recompute.

Each number is an expression in Python's arithmetic over named inputs; the inputs are facts of the request, constants
that became assumptions, or results of earlier formulas. Nothing is computed outside this chain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil

from archwright.agents.v1.infrastructure_architect_pb2 import Sizing, SizingFormula, StorageSizing
from archwright.agents.v1.model_pb2 import Assumption, Fact
from services.agents.draft import Draft
from services.agents.facts import is_daily, largest, of_kind, per_second
from services.agents.naming import mentions, stems
from services.agents.workload import domain, sizing_table

FUNCTIONS = {"ceil": ceil, "max": max, "min": min}
"""What an expression may call."""

FORMULAS = (
    ("dau", "users * active_share"),
    ("people_daily", "max(dau * sessions_per_day * requests_per_session, stated_daily)"),
    ("machine_daily", "stated_machine_daily / machine_batch"),
    ("daily_requests", "people_daily + machine_daily"),
    ("avg_rps", "daily_requests / 86400"),
    ("busiest_rps", "(people_daily * peak_factor + machine_daily * machine_peak_factor) / 86400"),
    ("peak_rps", "max(busiest_rps, stated_rps, stated_concurrent / think_seconds)"),
    ("concurrent", "max(peak_rps * think_seconds, stated_concurrent)"),
    ("transactions_per_year", "users * transactions_per_user_year"),
    ("documents_gb_per_year", "transactions_per_year * documents_mb_per_transaction / 1024"),
    ("planned_years", "min(planning_years, retention_years)"),
    ("records_kb_per_year", "transactions_per_year * records_per_transaction * record_kb"),
    ("readings_kb_per_year", "stated_machine_daily * days_per_month * 12 * reading_kb"),
    ("records_gb_per_year", "(records_kb_per_year + readings_kb_per_year) * index_factor / 1048576"),
    ("hot_gb", "max(20, users * record_kb * index_factor / 1048576 + records_gb_per_year * planned_years)"),
    ("object_gb", "max(documents_gb_per_year * planned_years, stated_gb)"),
    ("backup_gb", "hot_gb * backup_share"),
    ("growth_gb_per_year", "documents_gb_per_year + records_gb_per_year"),
    ("requests_per_month", "daily_requests * days_per_month"),
    ("bandwidth_gb_month", "requests_per_month * response_kb / 1048576"),
    ("events_per_month", "requests_per_month * event_share"),
    ("logs_gb_month", "requests_per_month * log_kb_per_request / 1048576"),
    ("vcpu_needed", "peak_rps / (rps_per_vcpu * utilisation)"),
    ("database_vcpu_needed", "peak_rps / (db_rps_per_vcpu * utilisation)"),
    ("balancer_units", "avg_rps / lb_rps_per_unit"),
    ("object_writes_per_month", "documents_gb_per_year * 1024 / object_mb / 12"),
)
"""Every number and how it follows, in an order in which each rests on those before it."""

_STATED = {
    "stated_rps": 0.0,
    "stated_daily": 0.0,
    "stated_machine_daily": 0.0,
    "stated_concurrent": 0.0,
    "stated_gb": 0.0,
}
_GIGABYTES = {"kb": 1 / 1048576, "mb": 1 / 1024, "gb": 1.0, "tb": 1024.0, "pb": 1048576.0}


@dataclass(slots=True)
class Numbers:
    """Values by name, and the formulas that made them."""

    values: dict[str, float]
    formulas: list[SizingFormula] = field(default_factory=list)

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def compute(self, name: str, expression: str) -> float:
        """Add the number `name`: `expression` over the values so far."""
        code = compile(expression, name, "eval")
        inputs = {one: self.values[one] for one in sorted(set(code.co_names) - FUNCTIONS.keys())}
        # The expressions are constants of this package, never text of a request.
        result = float(eval(code, {"__builtins__": {}, **FUNCTIONS}, inputs))  # noqa: S307
        self.values[name] = result
        self.formulas.append(SizingFormula(name=name, expr=expression, inputs=inputs, result=result))
        return result


def numbers(facts: tuple[Fact, ...], statements: tuple[str, ...], draft: Draft) -> Numbers:
    """Return the whole chain; every constant it uses becomes an assumption of the draft."""
    values = {**_stated(facts), **_usage(facts, draft), **_constants(statements, draft)}
    found = Numbers(values)
    for name, expression in FORMULAS:
        found.compute(name, expression)
    return found


def sizing(found: Numbers, draft: Draft) -> Sizing:
    """Return the deliverable's chapter about size."""
    return Sizing(
        assumptions=[one.id for one in draft.output.assumptions if one.rule_id == "INF-SIZING"],
        users=found["users"],
        dau=found["dau"],
        daily_requests=found["daily_requests"],
        avg_rps=found["avg_rps"],
        peak_rps=found["peak_rps"],
        concurrent=found["concurrent"],
        storage_gb=StorageSizing(
            hot=found["hot_gb"],
            object=found["object_gb"],
            backup=found["backup_gb"],
            growth_per_year=found["growth_gb_per_year"],
        ),
        bandwidth_gb_month=found["bandwidth_gb_month"],
        formulas=found.formulas,
    )


def _stated(facts: tuple[Fact, ...]) -> Mapping[str, float]:
    """Return what the request itself says about load and volume; 0 where it says nothing.

    A rate by the day is a usual day's; one by the hour or less is what has to be borne then.
    """
    rates = of_kind(facts, Fact.TPS)
    daily = [one for one in rates if is_daily(one)]
    gigabytes = [
        fact.number * _GIGABYTES[unit]
        for fact in of_kind(facts, Fact.DATA_VOLUME)
        if fact.HasField("number") and (unit := fact.unit.lower().split("/")[0]) in _GIGABYTES
    ]
    return {
        **_STATED,
        "stated_rps": max((per_second(one) for one in rates if not is_daily(one)), default=0.0),
        "stated_daily": max((one.number for one in daily if not _is_of_machines(one)), default=0.0),
        "stated_machine_daily": max((one.number for one in daily if _is_of_machines(one)), default=0.0),
        "stated_concurrent": largest(facts, Fact.CONCURRENT_USERS) or 0.0,
        "stated_gb": max(gigabytes, default=0.0),
    }


def _is_of_machines(rate: Fact) -> bool:
    """Return whether machines and not people make what is counted: it comes evenly, and many at once."""
    return rate.unit.partition("/")[0] in sizing_table().machine_words


def _usage(facts: tuple[Fact, ...], draft: Draft) -> Mapping[str, float]:
    """Return users and how they use the system, by the line of business."""
    industry = next((fact.value for fact in of_kind(facts, Fact.INDUSTRY)), "")
    usage = domain(industry)
    users = largest(facts, Fact.USERS)
    if users is None:
        default = sizing_table().default.users
        users = max(default.value, largest(facts, Fact.CONCURRENT_USERS) or 0.0)
        _assume(draft, default.text, users, "users", Assumption.HIGH)
    of = f"usual in {industry}" if industry else "usual where the line of business is not known"
    figures = {
        "active_share": (usage.active_share, "share of users on a usual day"),
        "sessions_per_day": (usage.sessions_per_day, "sessions of an active user a day"),
        "requests_per_session": (usage.requests_per_session, "requests of a session"),
        "transactions_per_user_year": (usage.transactions_per_user_year, f"{usage.transaction} of a user a year"),
        "documents_mb_per_transaction": (usage.documents_mb_per_transaction, "MB of documents with each of them"),
        "retention_years": (usage.retention_years, "years for which records are kept"),
    }
    for name, (value, text) in figures.items():
        _assume(draft, f"{name}: {text}, as {of}.", value, name)
    return {"users": users, **{name: value for name, (value, _) in figures.items()}}


def _constants(statements: tuple[str, ...], draft: Draft) -> Mapping[str, float]:
    """Return the constants that the formulas need, with the peak factor that fits the request's words."""
    known = sizing_table()
    texts = [stems(one) for one in statements]
    bursty = [word for word in known.bursty_words if any(mentions(text, word) for text in texts)]
    values = {}
    for name, constant in known.constants.items():
        if name == "peak_factor_bursty":
            continue
        used = known.constants["peak_factor_bursty"] if name == "peak_factor" and bursty else constant
        values[name] = used.value
        _assume(draft, f"{name}: {used.text}.", used.value, used.unit)
    return values


def _assume(
    draft: Draft, text: str, value: float, unit: str, impact: Assumption.Impact.ValueType = Assumption.LOW
) -> None:
    draft.assume(Assumption(text=text, default_value=f"{value:g}", unit=unit, impact=impact, rule_id="INF-SIZING"))
