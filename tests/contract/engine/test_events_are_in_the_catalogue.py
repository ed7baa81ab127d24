"""What the engine tells is what the catalogue promises."""

from archwright.events.catalogue import CATALOGUE, Lane
from services.engine.domain.telling import NAMES


def test_every_kind_of_event_is_in_the_history_lane_of_the_catalogue_and_no_other_is() -> None:
    assert set(NAMES.values()) == {event.name for event in CATALOGUE.values() if event.lane is Lane.HISTORY}


def test_what_the_bus_carries_of_an_event_is_a_field_of_it() -> None:
    for kind, name in NAMES.items():
        assert CATALOGUE[name].routing <= set(kind.__struct_fields__)
