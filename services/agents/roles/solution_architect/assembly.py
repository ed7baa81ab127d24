"""The workflow's last step: all deliverables together become the files that the client opens.

Whatever is missing, the files come out: the report says what it was made without.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import orjson

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.solution_architect_pb2 import Assembly as AssemblyMade
from services.agents.change.assessment import Assessment, assess
from services.agents.change.picture import impact_view
from services.agents.deliverables import to_json
from services.agents.draft import Draft
from services.agents.model.exchange.write import write
from services.agents.model.exportable import exportable
from services.agents.model.graph import Model
from services.agents.model.layout import arrange
from services.agents.model.lint import lint
from services.agents.model.merge import merge
from services.agents.model.svg import draw
from services.agents.model.views import standard_views
from services.agents.report.dossier import KEYS, Dossier, Request
from services.agents.report.markdown import markdown
from services.agents.report.overview import Overview, overview
from services.agents.report.register import Register, register
from services.agents.report.render import render
from services.agents.report.tables import tables
from services.agents.report.traceability import threads
from services.agents.report.words import money, number

REPORT = "report.html"
MARKDOWN = "report.md"
MODEL = "model.xml"
RESULTING_MODEL = "resulting-model.xml"
_NOT_ASSESSED = "not assessed"


@dataclass(frozen=True, slots=True)
class Assembly:
    """The files by name, each with its content and media type, and the output that tells of them."""

    files: Mapping[str, tuple[bytes, str]]
    output: AgentOutput


def assemble(
    outputs: Mapping[str, AgentOutput],
    request: Mapping[str, object],
    impact: AgentOutput | None = None,
    baseline: Model | None = None,
) -> Assembly:
    """Return the files that `outputs`, by deliverable key, and the workflow's input make.

    A change to a model of what exists adds what it reaches, and the model that results. The same input makes the same
    bytes.
    """
    asked = Request.of(request)
    change = impact.impact if impact is not None and baseline is not None else None
    dossier = Dossier(asked, {key: outputs[key] for key in KEYS if key in outputs}, change)
    model = merge(dossier.outputs.values(), name=dossier.request.title, documentation=dossier.solution.summary)
    diagrams = tuple(arrange(view) for view in standard_views(model))
    remarks = register(dossier, (*model.problems, *lint(model, diagrams)))
    figures = overview(dossier, remarks)
    rows = threads(dossier)
    found = assess(asked.text, baseline) if baseline is not None else None
    picture = _picture(found, baseline) if found is not None and baseline is not None else ""
    page = render(dossier, model, diagrams, rows, remarks, figures, picture)
    files = {
        REPORT: (page.encode(), "text/html; charset=utf-8"),
        MARKDOWN: (markdown(dossier, rows, remarks, figures).encode(), "text/markdown; charset=utf-8"),
        MODEL: (write(model, diagrams), "application/xml"),
    }
    for name, table in tables(dossier, rows, remarks).items():
        files[f"tables/{name}.csv"] = (table, "text/csv; charset=utf-8")
    if found is not None:
        result = exportable(found.result)
        views = tuple(arrange(view) for view in standard_views(result))
        files[RESULTING_MODEL] = (write(result, views), "application/xml")
    if impact is not None:
        files["deliverables/impact.json"] = (_pretty(impact), "application/json")
    for key, output in dossier.outputs.items():
        files[f"deliverables/{key}.json"] = (_pretty(output), "application/json")
    draft = Draft("solution_architect", "generate", "SG", list(dossier.outputs.values()))
    draft.output.assembly.CopyFrom(
        AssemblyMade(title=asked.title, figures=_figures(model, figures, remarks), files=files)
    )
    draft.output.summary.extend(_summary(dossier, model, figures, remarks))
    return Assembly(files, draft.output)


def _picture(found: Assessment, baseline: Model) -> str:
    view = impact_view(found, baseline)
    return draw(arrange(view), model=baseline) if view is not None else ""


def _pretty(output: AgentOutput) -> bytes:
    return orjson.dumps(to_json(output), option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)


def _summary(dossier: Dossier, model: Model, figures: Overview, remarks: Register) -> list[str]:
    """Return what a reader wants to know before opening anything."""
    degraded = [role for role, output in dossier.by_role() if output.degraded]
    plan = _duration(figures) if dossier.has("plan") else _NOT_ASSESSED
    money_of = partial(money, currency=figures.currency)
    running = f"{money_of(figures.monthly_cents)} a month of infrastructure" if figures.is_priced else figures.price_gap
    costs = (
        f"{money_of(figures.build_cents)} to build, {running}, {money_of(figures.tco_cents)} in all"
        if dossier.has("finance")
        else _NOT_ASSESSED
    )
    lines = [
        f"{figures.requirements} requirements, {figures.musts} of them a must; {figures.capabilities} capabilities",
        (
            f"{figures.components} components on {figures.nodes} nodes; a model of {len(model.elements)} elements and "
            f"{len(model.relations)} relations"
        ),
        f"plan: {plan}; {figures.work_packages} work packages; deadline: {figures.deadline or _NOT_ASSESSED}",
        f"cost: {costs}; budget: {figures.budget or _NOT_ASSESSED}",
        (
            f"{figures.findings} findings, {figures.errors} of them errors; {len(remarks.questions)} open questions, "
            f"{len(remarks.assumptions)} assumptions"
        ),
    ]
    if dossier.missing:
        lines.append(f"made without: {', '.join(dossier.missing)}")
    if degraded:
        lines.append(f"with less than wished for: {', '.join(degraded)}")
    return lines


def _figures(model: Model, figures: Overview, remarks: Register) -> dict[str, int]:
    return {
        "requirements": figures.requirements,
        "must_requirements": figures.musts,
        "capabilities": figures.capabilities,
        "components": figures.components,
        "nodes": figures.nodes,
        "work_packages": figures.work_packages,
        "elements": len(model.elements),
        "relations": len(model.relations),
        "findings": figures.findings,
        "error_findings": figures.errors,
        "open_questions": len(remarks.questions),
        "assumptions": len(remarks.assumptions),
    }


def _duration(figures: Overview) -> str:
    return f"{number(figures.duration_days, 0)} working days (P80 {number(figures.p80_days, 0)})"
