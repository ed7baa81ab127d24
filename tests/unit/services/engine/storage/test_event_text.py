"""Events as text: whatever was written is read again as it was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from archwright.language.model import ErrorCategory, Priority
from services.engine.domain.events import ArtifactMade, Event, EventEmitted, Parent, StepCompleted, StepStarted
from services.engine.storage.codec import dump_events, load_events

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
OF_TYPE: dict[str, Any] = {
    "datetime": NOON,
    "datetime | None": NOON,
    "str": "words",
    "int": 7,
    "bool": True,
    "Json": {"n": [1, None, "x"]},
    "Ref": [1, {"a": 2}, None],
    "Priority": Priority.HIGH,
    "ErrorCategory": ErrorCategory.BUSINESS,
    "tuple[str, ...]": ("a", "b"),
    "tuple[ArtifactMade, ...]": (ArtifactMade("plan.html", "00"),),
    "Mapping[str, Json]": {"model": "m"},
    "Parent | None": Parent("wf_1", "step"),
}


def filled(kind: type[Event]) -> Event:
    return kind(**{name: OF_TYPE[kind.__annotations__[name]] for name in kind.__struct_fields__})


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
def test_an_event_with_all_its_fields_is_read_as_it_was_written(kind: type[Event]) -> None:
    assert load_events(dump_events([filled(kind)])) == [filled(kind)]


@pytest.mark.parametrize("empty", [None, [], {}, 0, 0.0, False, ""], ids=repr)
def test_what_is_empty_in_one_way_is_not_read_as_empty_in_another(empty: Any) -> None:
    events = [StepCompleted(NOON, "a", output=empty), StepStarted(NOON, "b", items=empty)]

    read = load_events(dump_events(events))

    assert read == events
    assert [type(value) for value in (read[0].output, read[1].items)] == [type(empty)] * 2


def test_the_type_of_an_emitted_event_is_not_taken_for_the_events_own_name() -> None:
    emitted = EventEmitted(NOON, "a", type="task_completed", payload={})

    assert load_events(dump_events([emitted])) == [emitted]
