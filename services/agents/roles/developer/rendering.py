"""Templates to text: the one place that knows Jinja, and how words of a request are made harmless in code."""

from __future__ import annotations

import json
import re
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined

COMMENT_LENGTH_MAX = 100
CELL_LENGTH_MAX = 400


def render(template: str, **values: object) -> str:
    """Return a template filled in; a value that the template needs and nobody gave is an error."""
    return _environment().get_template(f"{template}.j2").render(**values)


def one_line(text: str, length_max: int = COMMENT_LENGTH_MAX) -> str:
    """Return `text` as one line without control characters, by default short enough for a comment."""
    plain = re.sub(r"\s+", " ", "".join(one if one.isprintable() else " " for one in text)).strip()
    return plain if len(plain) <= length_max else f"{plain[: length_max - 1].rstrip()}…"


def docstring(text: str) -> str:
    """Return `text` so that it can stand in a docstring."""
    return one_line(text.replace("\\", "/").replace('"', "'"))


def cell(text: str) -> str:
    """Return `text` so that it can stand in a Markdown table."""
    return one_line(text.replace("|", "/").replace("<", "(").replace("`", "'"), length_max=CELL_LENGTH_MAX)


@cache
def _environment() -> Environment:
    # The output is code, not HTML; words of the request pass through the filters below.
    environment = Environment(
        loader=PackageLoader("services.agents.roles.developer"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701
    )
    environment.filters.update(
        py=_literal,
        json=lambda value: json.dumps(value, ensure_ascii=False),
        comment=one_line,
        doc=docstring,
        cell=cell,
    )
    return environment


def _literal(value: object) -> str:
    """Return a word, a number or a truth as Python."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
