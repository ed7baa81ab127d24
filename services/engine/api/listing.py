"""What lists of workflows may be asked for: a small part of AIP-160's filters, and AIP-132's orders.

A page token names the workflow that the page before ended with, and carries a hash of what was asked for: it goes on
with the same list, or is refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from archwright import ids
from archwright.engine.v1 import workflows_pb2 as pb
from archwright.errors import RequestInvalid
from archwright.language.vocabulary import did_you_mean
from services.engine.api.requests import short, wrong, wrong_token
from services.engine.domain.transitions import WorkflowStatus
from services.engine.ports.history import Wanted

FILTER_CHARACTERS_MAX = 1_000

_TERM = re.compile(
    r'\s*(?P<field>[a-z_]+)\s*(?P<operator>>=|<=|!=|=|>|<)\s*(?:"(?P<quoted>[^"]*)"|(?P<bare>[A-Za-z0-9_.-]+))\s*'
)
_AND = re.compile(r"AND\b")
_TEXTS = ("definition_name", "definition_version", "user_id", "session_id")
_FIELDS = ("status", *_TEXTS, "created_at")
_ORDERS = {"": False, "created_at desc": False, "created_at": True, "created_at asc": True}
MOMENT = timedelta(milliseconds=1)
_EXAMPLE = '`status = failed AND created_at >= "2026-11-01T00:00:00Z"`'
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def wanted_of(request: pb.ListWorkflowsRequest) -> Wanted:
    """Return what a list is to show. Raises RequestInvalid where the request is not of the documented form."""
    wanted = Wanted(oldest_first=_order(request.order_by))
    for field, operator, value in terms_of(short("filter", request.filter, FILTER_CHARACTERS_MAX).strip(), _EXAMPLE):
        wanted = _narrowed(wanted, field, operator, value)
    if request.status != pb.Workflow.STATUS_UNSPECIFIED:
        wanted = _narrowed(wanted, "status", "=", pb.Workflow.Status.Name(request.status))
    if request.definition_name:
        wanted = _narrowed(wanted, "definition_name", "=", request.definition_name)
    if request.page_token:
        wanted = replace(wanted, after=_after(request.page_token, wanted))
    return wanted


def token_of(wanted: Wanted, last_id: str) -> str:
    """Return the token of the page after the one that ends with this workflow."""
    return f"{last_id}-{_mark(wanted)}"


def _after(token: str, wanted: Wanted) -> str:
    last_id, _, mark = token.partition("-")
    try:
        ids.read("wf", last_id)
    except ids.MalformedId:
        raise wrong_token() from None
    if mark != _mark(wanted):
        raise wrong("page_token", "page_token is of a list with another filter or order. Leave it out to begin anew.")
    return last_id


def _mark(wanted: Wanted) -> str:
    return hashlib.sha256(repr(replace(wanted, after="")).encode()).hexdigest()[:8]


def _order(order_by: str) -> bool:
    """Return whether the oldest come first."""
    asked = " ".join(order_by.split())
    if asked not in _ORDERS:
        raise wrong("order_by", f"order_by is {order_by[:80]!r}; it takes `created_at desc` or `created_at asc`.")
    return _ORDERS[asked]


def terms_of(text: str, example: str) -> Iterator[tuple[str, str, str]]:
    """Yield the field, operator and value of each comparison; a refusal shows how to write them by an example."""
    place = 0
    while place < len(text):
        if place:
            joint = _AND.match(text, place)
            if joint is None:
                raise _malformed(text, place, example)
            place = joint.end()
        term = _TERM.match(text, place)
        if term is None:
            raise _malformed(text, place, example)
        place = term.end()
        quoted = term["quoted"]
        yield term["field"], term["operator"], term["bare"] if quoted is None else quoted


def _malformed(text: str, place: int, example: str) -> RequestInvalid:
    return wrong(
        "filter",
        f"filter cannot be read from {text[place : place + 40]!r} on. Write comparisons joined by AND, such as "
        f"{example}.",
    )


def _narrowed(wanted: Wanted, field: str, operator: str, value: str) -> Wanted:
    if field not in _FIELDS:
        hint = did_you_mean(field, _FIELDS) or f"; it takes {', '.join(_FIELDS)}."
        raise wrong("filter", f"A filter cannot ask for {field!r}{hint}")
    narrow = _NARROWING.get((field, operator))
    if narrow is None:
        takes = ", ".join(sorted(each for of, each in _NARROWING if of == field))
        raise wrong("filter", f"filter compares {field} by {operator}; it takes {takes}.")
    return narrow(wanted, value)


def _with_text(field: str) -> Callable[[Wanted, str], Wanted]:
    def narrow(wanted: Wanted, value: str) -> Wanted:
        if not value or getattr(wanted, field) not in ("", value):
            raise wrong("filter", f"filter asks for {field} {value!r}, which no workflow has at once.")
        changed: dict[str, Any] = {field: value}
        return replace(wanted, **changed)

    return narrow


def _status(value: str) -> WorkflowStatus:
    names = [each.value for each in WorkflowStatus]
    if value.lower() not in names:
        raise wrong("filter", f"filter names the status {value!r}; there are {', '.join(names)}.")
    return WorkflowStatus(value.lower())


def _with_status(wanted: Wanted, value: str) -> Wanted:
    status = _status(value)
    if wanted.status not in (None, status):
        raise wrong("filter", "filter asks for two statuses at once; leave one out.")
    return replace(wanted, status=status)


def _without_status(wanted: Wanted, value: str) -> Wanted:
    status = _status(value)
    if wanted.unlike_status not in (None, status):
        raise wrong("filter", "filter excludes two statuses; one is all it can.")
    return replace(wanted, unlike_status=status)


def time_of(value: str) -> datetime:
    """Return the time that a filter compares with. Raises RequestInvalid."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        raise wrong(
            "filter", f'filter compares created_at with {value!r}; write a time such as "2026-11-01T00:00:00Z".'
        ) from None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(moment, _BEGINNING)


def _from(wanted: Wanted, moment: datetime) -> Wanted:
    return replace(wanted, created_from=max(moment, wanted.created_from or moment))


def _before(wanted: Wanted, moment: datetime) -> Wanted:
    return replace(wanted, created_before=min(moment, wanted.created_before or moment))


_NARROWING: Mapping[tuple[str, str], Callable[[Wanted, str], Wanted]] = {
    **{(field, "="): _with_text(field) for field in _TEXTS},
    ("status", "="): _with_status,
    ("status", "!="): _without_status,
    ("created_at", ">="): lambda wanted, value: _from(wanted, time_of(value)),
    ("created_at", ">"): lambda wanted, value: _from(wanted, time_of(value) + MOMENT),
    ("created_at", "<"): lambda wanted, value: _before(wanted, time_of(value)),
    ("created_at", "<="): lambda wanted, value: _before(wanted, time_of(value) + MOMENT),
}
"""What each comparison that there is makes of what is wanted."""
