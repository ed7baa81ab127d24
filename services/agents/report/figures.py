"""Which charts the report has, and what each of them shows of the deliverables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from services.agents.report.charts.bars import Row, lying_bars
from services.agents.report.charts.columns import Column, standing_columns
from services.agents.report.charts.gantt import gantt
from services.agents.report.charts.tornado import Swing, tornado
from services.agents.report.dossier import Dossier
from services.agents.report.words import number, short_money, spaced

WEEKS_MAX = 520


def schedule(dossier: Dossier) -> str:
    """Return the plan as a Gantt chart."""
    return gantt(dossier.plan)


def styles(dossier: Dossier) -> str:
    """Return what each candidate style scored, criterion by criterion."""
    table = dossier.application.style.score_table
    criteria = list(dict.fromkeys(one.criterion for row in table for one in row.criteria))
    rows = []
    for row in table:
        points = {one.criterion: one.weight * one.score for one in row.criteria}
        rows.append(Row(spaced(row.style), tuple(points.get(name, 0.0) for name in criteria) or (row.total,)))
    return lying_bars(rows, [spaced(name) for name in criteria] or ["total"], number, "Scores of the candidate styles")


def build_by_role(dossier: Dossier) -> str:
    """Return the build cost of each role, dearest first."""
    totals: dict[str, int] = {}
    for cost in dossier.finance.build_costs:
        totals[spaced(cost.role) or "other"] = totals.get(spaced(cost.role) or "other", 0) + cost.amount_cents
    return _money_bars(dossier, totals, "Build cost by role")


def infrastructure_by_environment(dossier: Dossier) -> str:
    """Return what each environment costs in a month, the dearest nodes apart."""
    environments = dossier.finance.infra_costs.environments
    totals: dict[str, int] = {}
    for environment in environments:
        for line in environment.lines:
            totals[line.node_id] = totals.get(line.node_id, 0) + line.monthly_cents
    dearest = sorted(totals, key=lambda node: (-totals[node], node))[:6]
    names = {node.id: node.name for node in dossier.infrastructure.nodes}
    series = [names.get(node, node) or node for node in dearest]
    has_others = len(totals) > len(dearest)
    rows = []
    for environment in environments:
        parts = [
            float(sum(line.monthly_cents for line in environment.lines if line.node_id == node)) for node in dearest
        ]
        rest = sum(line.monthly_cents for line in environment.lines) - sum(parts)
        rows.append(Row(environment.name, (*parts, rest) if has_others else tuple(parts)))
    show = partial(_short, dossier)
    return lying_bars(rows, [*series, "other nodes"] if has_others else series, show, "Infrastructure cost a month")


def ownership(dossier: Dossier) -> str:
    """Return investment and running cost, year by year."""
    rows = dossier.finance.tco.rows
    columns = [Column(f"Year {row.year}", (float(row.capex_cents), float(row.opex_cents))) for row in rows]
    return standing_columns(columns, ["Investment", "Running"], partial(_short, dossier), "Total cost of ownership")


def workload(dossier: Dossier) -> str:
    """Return the hours of each role, week by week."""
    bars = dossier.plan.resource_histogram
    roles = list(dict.fromkeys(one.role for one in bars))
    hours = {(one.week, one.role): one.hours for one in bars}
    columns = [
        Column(f"W{week}", tuple(hours.get((week, role), 0.0) for role in roles))
        for week in range(1, min(max((one.week for one in bars), default=0), WEEKS_MAX) + 1)
    ]
    show = partial(number, places=0)
    return standing_columns(columns, [spaced(role) for role in roles], show, "Hours by week", unit=" h")


def sensitivity(dossier: Dossier) -> str:
    """Return how much each driver moves the present value."""
    finance = dossier.finance
    swings = [Swing(one.driver, one.npv_low_cents, one.npv_high_cents) for one in finance.sensitivity]
    return tornado(swings, finance.npv.value_cents, partial(_short, dossier), "Sensitivity of the present value")


def _short(dossier: Dossier, cents: float) -> str:
    return short_money(round(cents), dossier.finance.currency)


def _money_bars(dossier: Dossier, totals: Mapping[str, int], label: str) -> str:
    rows = [Row(name, (float(totals[name]),)) for name in sorted(totals, key=lambda one: (-totals[one], one))]
    return lying_bars(rows, ["amount"], partial(_short, dossier), label)


FIGURES: Mapping[str, Callable[[Dossier], str]] = {
    "schedule": schedule,
    "styles": styles,
    "build_by_role": build_by_role,
    "infrastructure_by_environment": infrastructure_by_environment,
    "ownership": ownership,
    "workload": workload,
    "sensitivity": sensitivity,
}
"""The charts by the name that the templates use."""
