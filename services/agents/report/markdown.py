"""Makes the report as Markdown, along the chapters of arc42: to be read in a repository, and compared by line.

No clock, no chance: the same input, the same bytes. Whatever comes from a request or an agent is escaped, so that a
name with a bar breaks no table and a text with markup stays a text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.agents.model.text import xml_text
from services.agents.report import words
from services.agents.report.dossier import KEYS, Dossier
from services.agents.report.index import Index
from services.agents.report.overview import Overview
from services.agents.report.register import Register
from services.agents.report.render import CHAPTERS
from services.agents.report.traceability import Thread

_TEMPLATES = Path(__file__).parent / "templates"
_MEANS_SOMETHING = re.compile(r"([\\`*_{}\[\]<>|#~])")
_BLANK_LINES = re.compile(r"\n{3,}")


def markdown(dossier: Dossier, threads: Sequence[Thread], remarks: Register, overview: Overview) -> str:
    """Return the report as one Markdown document."""
    text = (
        _environment()
        .get_template("report.md")
        .render(
            dossier=dossier,
            threads=threads,
            remarks=remarks,
            overview=overview,
            index=Index(dossier),
            chapters=CHAPTERS,
            roles=KEYS,
        )
    )
    return _BLANK_LINES.sub("\n\n", text).strip() + "\n"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=False,  # noqa: S701  not HTML: `_escaped` takes its place
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_escaped,
    )
    environment.filters.update(words.FILTERS)
    return environment


def _escaped(value: Any) -> Any:
    """Return text on one line, with nothing in it that Markdown takes for a mark."""
    return _MEANS_SOMETHING.sub(r"\\\1", " ".join(xml_text(value).split())) if isinstance(value, str) else value
