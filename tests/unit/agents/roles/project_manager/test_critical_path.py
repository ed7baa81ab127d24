"""The critical path method, held to an independent search for the longest path."""

from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.agents.roles.project_manager.critical_path import (
    CircularPlan,
    Link,
    Tie,
    Times,
    critical_path,
    schedule,
)

Plan = tuple[dict[str, float], dict[str, list[Link]]]


@st.composite
def plans(draw: st.DrawFn, ties: tuple[Tie, ...] = tuple(Tie)) -> Plan:
    """Draw activities of whole half days that wait for earlier ones."""
    count = draw(st.integers(1, 9))
    names = [f"a{at}" for at in range(count)]
    durations = {name: draw(st.integers(0, 20)) / 2 for name in names}
    links = {
        name: [
            Link(before, draw(st.sampled_from(ties)), draw(st.integers(0, 4)) / 2)
            for before in draw(st.lists(st.sampled_from(names[:at]), unique=True))
        ]
        for at, name in enumerate(names)
        if at
    }
    return durations, links


def end_of(times: dict[str, Times]) -> float:
    return max(one.earliest_finish for one in times.values())


@given(plans(ties=(Tie.FINISH_START,)))
def test_the_end_is_the_length_of_the_longest_path(plan: Plan) -> None:
    durations, links = plan

    @cache
    def longest(name: str) -> float:
        return durations[name] + max((longest(one.before) + one.lag for one in links.get(name, ())), default=0.0)

    assert end_of(schedule(durations, links)) == max(longest(name) for name in durations)


@given(plans())
def test_times_keep_every_link_early_and_late(plan: Plan) -> None:
    durations, links = plan
    times = schedule(durations, links)
    for name, waits in links.items():
        for link in waits:
            before, own = times[link.before], times[name]
            match link.tie:
                case Tie.FINISH_START:
                    assert own.earliest_start >= before.earliest_finish + link.lag
                    assert own.latest_start >= before.latest_finish + link.lag
                case Tie.START_START:
                    assert own.earliest_start >= before.earliest_start + link.lag
                    assert own.latest_start >= before.latest_start + link.lag
                case Tie.FINISH_FINISH:
                    assert own.earliest_finish >= before.earliest_finish + link.lag
                    assert own.latest_finish >= before.latest_finish + link.lag


@given(plans())
def test_floats_are_never_negative_and_something_is_critical(plan: Plan) -> None:
    durations, links = plan
    times = schedule(durations, links)
    for name, one in times.items():
        assert one.earliest_finish == one.earliest_start + durations[name]
        assert one.latest_finish == one.latest_start + durations[name]
        assert 0 <= one.free_float <= one.total_float
        assert one.is_critical == (one.total_float == 0)
    assert any(one.is_critical for one in times.values())


@given(plans(), st.data())
def test_a_delay_within_the_total_float_does_not_move_the_end(plan: Plan, data: st.DataObject) -> None:
    durations, links = plan
    times = schedule(durations, links)
    name = data.draw(st.sampled_from(sorted(durations)))
    # A delay shows as a longer activity only to those that wait for its finish.
    if all(link.tie is not Tie.START_START for waits in links.values() for link in waits):
        later = {**durations, name: durations[name] + times[name].total_float}
        assert end_of(schedule(later, links)) >= end_of(times)
        waits = [link for link in links.get(name, ()) if link.tie is Tie.FINISH_FINISH]
        if not waits:
            assert end_of(schedule(later, links)) == end_of(times)


@given(plans(), st.data())
def test_a_further_link_never_shortens_a_plan(plan: Plan, data: st.DataObject) -> None:
    durations, links = plan
    names = list(durations)
    if len(names) < 2:
        return
    at = data.draw(st.integers(1, len(names) - 1))
    further = Link(data.draw(st.sampled_from(names[:at])))

    more = {**links, names[at]: [*links.get(names[at], ()), further]}

    assert end_of(schedule(durations, more)) >= end_of(schedule(durations, links))


@given(plans(ties=(Tie.FINISH_START,)))
def test_the_critical_path_fills_the_time_from_start_to_end(plan: Plan) -> None:
    durations, links = plan
    times = schedule(durations, links)
    path = critical_path(times, links)

    assert all(times[name].is_critical for name in path)
    lags = 0.0
    for before, after in pairwise(path):
        [lag] = [one.lag for one in links[after] if one.before == before]
        lags += lag
    assert sum(durations[name] for name in path) + lags == end_of(times)


def test_activities_in_a_circle_are_named() -> None:
    with pytest.raises(CircularPlan, match="a, b") as refused:
        schedule({"a": 1.0, "b": 1.0, "c": 1.0}, {"a": [Link("b")], "b": [Link("a")]})

    assert refused.value.circle == ("a", "b")
