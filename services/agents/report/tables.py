"""The deliverables' lists as CSV files, for spreadsheets and for programs.

The decision to know: a table's columns are the fields of its message, in the order of the contract, so a field that a
role gains is in its table at once. Enumerations are names, lists are joined by semicolons, money is in whole units,
and a message within a message is as many columns as it has plain fields; what has rows of its own is left to the JSON.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from google.protobuf.message import Message

from archwright.agents.v1.business_analyst_pb2 import Requirement
from services.agents.report.dossier import Dossier
from services.agents.report.register import Register
from services.agents.report.traceability import Thread

TABLES: Mapping[str, str] = {
    "requirements": "requirements.requirements",
    "facts": "requirements.facts",
    "stakeholders": "requirements.stakeholders",
    "glossary": "requirements.glossary",
    "goals": "business.goals",
    "capabilities": "business.capabilities",
    "processes": "business.processes",
    "components": "application.components",
    "interfaces": "application.interfaces",
    "data-entities": "application.data_entities",
    "nodes": "infrastructure.nodes",
    "deployment": "infrastructure.deployment_matrix",
    "security-controls": "infrastructure.security_controls",
    "decisions": "solution.decisions",
    "roadmap": "solution.roadmap",
    "work-packages": "plan.wbs",
    "activities": "plan.activities",
    "milestones": "plan.milestones",
    "risks": "plan.risks",
    "build-costs": "finance.build_costs",
    "cash-flow": "finance.cashflow",
    "backlog": "scaffold.backlog",
}
"""Each table's name, and where its rows are: the deliverable, and the field."""

_BEGINS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CENTS = "_cents"
_COLUMNS_OF_THREADS = (
    "requirement",
    "statement",
    "capabilities",
    "components",
    "nodes",
    "work_packages",
    "cost",
    "tests",
)


def tables(dossier: Dossier, rows: Iterable[Thread], remarks: Register) -> Mapping[str, bytes]:
    """Return each table that has rows, by name: CSV in UTF-8 with a byte order mark, as spreadsheets want it."""
    found = {name: _of_messages(_rows(dossier, place)) for name, place in TABLES.items()}
    found["traceability"] = _of_threads(rows)
    if dossier.change is not None:
        found["impact"] = _of_messages(dossier.change.impacted)
    found["findings"] = _of_messages([one.finding for one in remarks.findings], [one.role for one in remarks.findings])
    found["assumptions"] = _of_messages(
        [one.assumption for one in remarks.assumptions], [one.role for one in remarks.assumptions]
    )
    found["questions"] = _of_messages(
        [one.question for one in remarks.questions], [one.role for one in remarks.questions]
    )
    return {name: _csv(table) for name, table in found.items() if len(table) > 1}


def _rows(dossier: Dossier, place: str) -> Sequence[Message]:
    key, field = place.split(".")
    return list(getattr(getattr(dossier, key), field))


def _of_messages(messages: Sequence[Message], roles: Sequence[str] = ()) -> list[list[str]]:
    """Return a header and a row for each message, with the role that made it where that is known."""
    if not messages:
        return []
    columns = list(_columns(messages[0].DESCRIPTOR))
    header = [name for name, _ in columns]
    lines = [[_value(message, path) for _, path in columns] for message in messages]
    if roles:
        header, lines = ["role", *header], [[role, *line] for role, line in zip(roles, lines, strict=True)]
    return [header, *lines]


def _columns(kind: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the name of each column of a message's descriptor, and the fields that lead to its value."""
    for field in kind.fields:
        here = (*path, field.name)
        if field.message_type is None:
            yield "_".join(here).removesuffix(_CENTS), here
        elif not field.is_repeated and not path:
            yield from _columns(field.message_type, here)


def _value(message: Message, path: tuple[str, ...]) -> str:
    for name in path[:-1]:
        if not message.HasField(name):
            return ""
        message = getattr(message, name)
    field = message.DESCRIPTOR.fields_by_name[path[-1]]
    if field.has_presence and not message.HasField(field.name):
        return ""
    value = getattr(message, field.name)
    return "; ".join(_text(field, one) for one in value) if field.is_repeated else _text(field, value)


def _text(field: Any, value: Any) -> str:
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return "" if known is None or known.number == 0 else known.name.lower()
    if field.name.endswith(_CENTS):
        return str(Decimal(value).scaleb(-2))
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6f}".rstrip("0").rstrip(".")
        case str():
            return _harmless(value)
        case _:
            return str(value)


def _harmless(text: str) -> str:
    """Return text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_BEGINS_A_FORMULA) else text


def _of_threads(rows: Iterable[Thread]) -> list[list[str]]:
    return [
        list(_COLUMNS_OF_THREADS),
        *(
            [
                _harmless(row.requirement.id),
                _harmless(row.requirement.statement),
                *("; ".join(ids) for ids in (row.capabilities, row.components, row.nodes, row.work_packages)),
                str(Decimal(row.cost_cents).scaleb(-2)),
                "; ".join(row.tests),
            ]
            for row in rows
            if row.requirement.priority != Requirement.WONT
        ),
    ]


def _csv(table: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(table)
    return text.getvalue().encode("utf-8-sig")
