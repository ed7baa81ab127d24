"""The workflow's last step: all deliverables together become the files that the client opens.

Whatever is missing, the files come out: the report says what it was made without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.deliverables import to_json
from services.agents.model.exchange.write import write
from services.agents.model.graph import Model
from services.agents.model.layout import arrange
from services.agents.model.lint import lint
from services.agents.model.merge import merge
from services.agents.model.views import standard_views
from services.agents.report.dossier import KEYS, Dossier, Request
from services.agents.report.overview import Overview, overview
from services.agents.report.register import Register, register
from services.agents.report.render import render
from services.agents.report.words import money, number

REPORT = "report.html"
MODEL = "model.xml"
_NOT_ASSESSED = "not assessed"


@dataclass(frozen=True, slots=True)
class Assembly:
    """The files by name, each with its content and media type, and the figures of the workflow's output."""

    files: Mapping[str, tuple[bytes, str]]
    summary: Mapping[str, str | int]


def assemble(outputs: Mapping[str, AgentOutput], request: Mapping[str, object]) -> Assembly:
    """Return the files that `outputs`, by deliverable key, and the workflow's input make.

    The same input makes the same bytes.
    """
    dossier = Dossier(Request.of(request), {key: outputs[key] for key in KEYS if key in outputs})
    model = merge(dossier.outputs.values(), name=dossier.request.title, documentation=dossier.solution.summary)
    diagrams = tuple(arrange(view) for view in standard_views(model))
    remarks = register(dossier, (*model.problems, *lint(model, diagrams)))
    figures = overview(dossier, remarks)
    page = render(dossier, model, diagrams, remarks, figures)
    files = {REPORT: (page.encode(), "text/html; charset=utf-8"), MODEL: (write(model, diagrams), "application/xml")}
    for key, output in dossier.outputs.items():
        files[f"deliverables/{key}.json"] = (_pretty(output), "application/json")
    return Assembly(files, _summary(dossier, model, figures, remarks))


def _pretty(output: AgentOutput) -> bytes:
    return orjson.dumps(to_json(output), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _summary(dossier: Dossier, model: Model, figures: Overview, remarks: Register) -> dict[str, str | int]:
    """Return what a reader wants to know before opening anything: words and whole numbers only."""
    degraded = [role for role, output in dossier.by_role() if output.degraded]
    costs = (
        ("build_cost", figures.build_cents),
        ("infrastructure_a_month", figures.monthly_cents),
        ("total_cost_of_ownership", figures.tco_cents),
    )
    return {
        "title": dossier.request.title,
        "requirements": figures.requirements,
        "must_requirements": figures.musts,
        "capabilities": figures.capabilities,
        "components": figures.components,
        "nodes": figures.nodes,
        "work_packages": figures.work_packages,
        "elements": len(model.elements),
        "relations": len(model.relations),
        "duration": _duration(figures) if dossier.has("plan") else _NOT_ASSESSED,
        **{name: money(cents, figures.currency) if dossier.has("finance") else _NOT_ASSESSED for name, cents in costs},
        "deadline_verdict": figures.deadline or _NOT_ASSESSED,
        "budget_verdict": figures.budget or _NOT_ASSESSED,
        "findings": figures.findings,
        "errors": figures.errors,
        "open_questions": len(remarks.questions),
        "assumptions": len(remarks.assumptions),
        "missing": ", ".join(dossier.missing) or "nothing",
        "degraded": ", ".join(degraded) or "nothing",
    }


def _duration(figures: Overview) -> str:
    return f"{number(figures.duration_days, 0)} working days (P80 {number(figures.p80_days, 0)})"
