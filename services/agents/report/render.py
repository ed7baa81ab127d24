"""Makes the page: deliverables, model and diagrams in, HTML out. No clock, no chance: the same input, the same bytes.

Everything that comes from a request or an agent is escaped; only what this package draws itself counts as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from services.agents.model.elements import ElementType
from services.agents.model.graph import Model
from services.agents.model.layout.diagram import Diagram
from services.agents.model.svg import draw
from services.agents.model.text import xml_text
from services.agents.providers import place
from services.agents.report import figures, words
from services.agents.report.dossier import KEYS, Dossier
from services.agents.report.index import Index, anchor
from services.agents.report.overview import VERDICT_TONES, Overview
from services.agents.report.quotes import passages
from services.agents.report.register import Register
from services.agents.report.traceability import Thread, coverage

_TEMPLATES = Path(__file__).parent / "templates"

CHAPTERS: Mapping[str, str] = {
    "summary": "Summary",
    "impact": "Impact on what exists",
    "requirements": "Requirements",
    "business": "Business architecture",
    "application": "Application architecture",
    "infrastructure": "Infrastructure architecture",
    "solution": "Solution architecture",
    "traceability": "Traceability",
    "plan": "Project plan",
    "finance": "Financial assessment",
    "scaffold": "Delivery scaffold",
    "register": "Findings, assumptions, questions",
    "sources": "About this report",
}
"""The chapters by anchor, in reading order."""

VIEWS_OF: Mapping[str, tuple[str, ...]] = {
    "requirements": ("view-motivation",),
    "business": ("view-capability-map", "view-value-stream", "view-business-process", "view-product"),
    "application": ("view-application-cooperation", "view-application-data"),
    "infrastructure": ("view-technology", "view-technology-usage"),
    "solution": ("view-implementation-migration",),
}
"""Which diagrams stand in which chapter."""


def render(
    dossier: Dossier,
    model: Model,
    diagrams: Sequence[Diagram],
    rows: Sequence[Thread],
    remarks: Register,
    overview: Overview,
    impact_picture: str = "",
) -> str:
    """Return the report as one HTML document; `impact_picture` is drawn by this package, and so is trusted."""
    pictures = {diagram.id: diagram for diagram in diagrams}
    return (
        _environment()
        .get_template("report.html")
        .render(
            dossier=dossier,
            model=model,
            remarks=remarks,
            overview=overview,
            index=Index(dossier),
            passages=passages(dossier),
            threads=rows,
            coverage=coverage(rows),
            chapters={key: title for key, title in CHAPTERS.items() if key != "impact" or dossier.change is not None},
            impact_picture=Markup(impact_picture),  # noqa: S704
            roles=KEYS,
            views={key: [pictures[one] for one in ids if one in pictures] for key, ids in VIEWS_OF.items()},
            picture=_drawn(partial(draw, model=model)),
            charts={name: _drawn(partial(make, dossier)) for name, make in figures.FIGURES.items()},
            elements_by_type={kind: count for kind in ElementType if (count := sum(1 for _ in model.of_type(kind)))},
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printable,
    )
    environment.filters.update(words.FILTERS, anchor=anchor, place=place)
    environment.tests["set_in"] = lambda field, message: words.present(message, field)
    environment.globals["tones"] = VERDICT_TONES
    return environment


def _printable(value: Any) -> Any:
    """Return text without the characters that no document may hold; anything else as it is."""
    return xml_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _drawn(make: Callable[..., str]) -> Callable[..., Markup]:
    """Return `make`, whose result is trusted: it escapes what it was given."""

    def made(*arguments: Any) -> Markup:
        return Markup(make(*arguments))  # noqa: S704

    return made
