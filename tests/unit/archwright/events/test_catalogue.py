"""The catalogue of events, and that its page in the docs says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from archwright.events.catalogue import CATALOGUE, Lane, routing

DOCS = Path(__file__).parents[4] / "docs" / "events.md"


def documented() -> dict[str, tuple[str, str, str]]:
    rows = [line.strip("|").split("|") for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    return {name.strip(" `"): (lane.strip(), meaning.strip(), bus.strip()) for name, lane, meaning, bus in rows}


def test_the_docs_list_the_catalogue_and_nothing_else() -> None:
    expected = {}
    for event_type in CATALOGUE.values():
        fields = ", ".join(f"`{name}`" for name in sorted(event_type.routing)) or "none"
        on_the_bus = fields if event_type.lane is Lane.HISTORY else "not published"
        expected[event_type.name] = (event_type.lane.value, event_type.meaning, on_the_bus)
    assert documented() == expected


def test_only_routing_fields_are_let_through_as_text() -> None:
    payload = {"agent_id": "agent_1", "attempt": 2, "output": {"secret": True}, "code": None}
    assert routing("task_failed", payload) == {"agent_id": "agent_1", "attempt": "2"}


def test_an_unknown_type_has_no_routing() -> None:
    with pytest.raises(KeyError):
        routing("task_done", {})


def test_what_is_live_is_never_published() -> None:
    assert not [name for name, event_type in CATALOGUE.items() if event_type.lane is Lane.LIVE and event_type.routing]
