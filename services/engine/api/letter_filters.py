"""What lists of dead letters may be asked for: the form of filters that lists of workflows have.

A page token names the dead letter that the page before ended with, and carries a hash of what was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from archwright import ids
from archwright.language.model import ErrorCategory
from archwright.language.vocabulary import did_you_mean
from services.engine.api.listing import FILTER_CHARACTERS_MAX, MOMENT, terms_of, time_of
from services.engine.api.requests import short, wrong, wrong_token
from services.engine.ports.dead_letters import LetterKind, LetterState, WantedLetters

_WORDS: Mapping[str, tuple[str, ...]] = {
    "kind": tuple(each.value for each in LetterKind),
    "state": tuple(each.value for each in LetterState),
    "category": tuple(each.value for each in ErrorCategory),
}
"""Fields of which all values are known."""
_FIELDS = ("kind", "state", "workflow_id", "definition_name", "agent_type", "category", "code", "created_at")


def wanted_of(text: str, page_token: str = "") -> WantedLetters:
    """Return what a list is to show. Raises RequestInvalid where the filter is not of the documented form."""
    wanted = WantedLetters()
    example = "`state = waiting AND agent_type = writer`"
    for field, operator, value in terms_of(short("filter", text, FILTER_CHARACTERS_MAX).strip(), example):
        wanted = _narrowed(wanted, field, operator, value)
    return replace(wanted, after=_after(page_token, wanted)) if page_token else wanted


def waiting_of(text: str) -> WantedLetters:
    """Return which of the dead letters that wait a filter asks for. Raises RequestInvalid where it asks for others."""
    wanted = wanted_of(text)
    if wanted.state not in ("", LetterState.WAITING):
        raise wrong(
            "filter", f"filter asks for dead letters that are {wanted.state}; only those that wait can be ended."
        )
    return replace(wanted, state=LetterState.WAITING.value)


def token_of(wanted: WantedLetters, last_id: str) -> str:
    """Return the token of the page after the one that ends with this dead letter."""
    return f"{last_id}-{_mark(wanted)}"


def _after(token: str, wanted: WantedLetters) -> str:
    last_id, _, mark = token.partition("-")
    try:
        ids.read("letter", last_id)
    except ids.MalformedId:
        raise wrong_token() from None
    if mark != _mark(wanted):
        raise wrong("page_token", "page_token is of a list with another filter. Leave it out to begin anew.")
    return last_id


def _mark(wanted: WantedLetters) -> str:
    return hashlib.sha256(repr(replace(wanted, after="")).encode()).hexdigest()[:8]


def _narrowed(wanted: WantedLetters, field: str, operator: str, value: str) -> WantedLetters:
    if field not in _FIELDS:
        hint = did_you_mean(field, _FIELDS) or f"; it takes {', '.join(_FIELDS)}."
        raise wrong("filter", f"A filter cannot ask for {field!r}{hint}")
    if field == "created_at":
        narrow = _TIMES.get(operator)
        if narrow is None:
            raise wrong("filter", f"filter compares created_at by {operator}; it takes {', '.join(_TIMES)}.")
        return narrow(wanted, time_of(value))
    if operator != "=":
        raise wrong("filter", f"filter compares {field} by {operator}; it takes =.")
    if field in _WORDS:
        value = value.lower()
        if value not in _WORDS[field]:
            raise wrong("filter", f"filter names the {field} {value!r}; there are {', '.join(_WORDS[field])}.")
    elif field == "workflow_id":
        _require_id(value)
    if not value or getattr(wanted, field) not in ("", value):
        raise wrong("filter", f"filter asks for {field} {value!r}, which no dead letter has at once.")
    changed: dict[str, Any] = {field: value}
    return replace(wanted, **changed)


def _require_id(workflow_id: str) -> None:
    try:
        ids.read("wf", workflow_id)
    except ids.MalformedId:
        raise wrong(
            "filter", f"filter names the workflow_id {workflow_id[:80]!r}, which is none: it is wf_…."
        ) from None


def _from(wanted: WantedLetters, moment: datetime) -> WantedLetters:
    return replace(wanted, created_from=max(moment, wanted.created_from or moment))


def _before(wanted: WantedLetters, moment: datetime) -> WantedLetters:
    return replace(wanted, created_before=min(moment, wanted.created_before or moment))


_TIMES: Mapping[str, Callable[[WantedLetters, datetime], WantedLetters]] = {
    ">=": _from,
    ">": lambda wanted, moment: _from(wanted, moment + MOMENT),
    "<": _before,
    "<=": lambda wanted, moment: _before(wanted, moment + MOMENT),
}
