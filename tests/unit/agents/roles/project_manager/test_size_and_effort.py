"""Size and effort: the worked example, shares that add up, and what more of something does."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archwright.agents.v1.application_architect_pb2 import (
    ApplicationArchitecture,
    Component,
    DataEntity,
    ExternalSystem,
    Interface,
    InterfaceOperation,
)
from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.project_manager_pb2 import FunctionCount
from services.agents.roles.project_manager.crews import Workload, staff
from services.agents.roles.project_manager.critical_path import Link
from services.agents.roles.project_manager.estimate import estimate
from services.agents.roles.project_manager.function_points import count
from services.agents.roles.project_manager.productivity import (
    P80_DEVIATIONS,
    deviation,
    effort,
    expected,
    shares,
    usual_months,
)
from services.agents.roles.project_manager.sources import Sources

TEN_RECORDS = FunctionCount(ilf=10, eif=4, ei=30, eo=10, eq=10)
THIRTY_EIGHT_DEGREES = (3,) * 10 + (2,) * 4


def test_ten_records_and_four_systems_of_others_give_the_reference_numbers() -> None:
    made = estimate(TEN_RECORDS, THIRTY_EIGHT_DEGREES)
    hours = made.total_hours

    assert (made.ufp_total, made.vaf, round(made.fp, 1)) == (338, 1.03, 348.1)
    assert [round(one) for one in (hours.p10, hours.p50, hours.p90)] == [2541, 5396, 9922]
    mean, spread = expected(hours.p10, hours.p50, hours.p90), deviation(hours.p10, hours.p90)
    assert (round(mean, -1), round(spread), round(mean + P80_DEVIATIONS * spread, -1)) == (5670, 1230, 6710)
    assert [round(usual_months(one), 1) for one in (hours.p10, hours.p50, hours.p90)] == [7.3, 9.7, 12.2]


def test_functions_are_counted_from_the_design() -> None:
    names = [f"record{at}" for at in range(10)]
    application = ApplicationArchitecture(
        components=[Component(id="CMP-core", name="Core", type=Component.SERVICE)],
        data_entities=[DataEntity(id=f"DAT-{name}", name=name, owner_component_id="CMP-core") for name in names],
        external_systems=[ExternalSystem(id=f"EXT-{at}", name=f"System {at}") for at in range(4)],
        interfaces=[
            Interface(
                id=f"IFC-{name}",
                provider_id="CMP-core",
                protocol=protocol,
                operations=[
                    InterfaceOperation(name=f"{verb}{name}", entity=f"DAT-{name}", crud=letter)
                    for verb, letter in (
                        ("create", "C"),
                        ("update", "U"),
                        ("delete", "D"),
                        ("list", "R"),
                        ("get", "R"),
                    )
                ],
            )
            for name in names
            for protocol in (Interface.REST, Interface.EVENT)
        ],
    )
    spec = RequirementsSpec(
        requirements=[
            Requirement(id=f"REQ-F-{at:03d}", kind=Requirement.FUNCTIONAL, verb="export", object=f"{name} report")
            for at, name in enumerate(names)
        ]
    )

    assert count(_sources(spec, application)) == TEN_RECORDS


def test_without_a_design_the_verbs_of_the_requirements_are_counted() -> None:
    said = [("submit", "claim"), ("view", "claim"), ("notify", "customer"), ("delete", "claim"), ("delete", "claim")]
    spec = RequirementsSpec(
        requirements=[
            Requirement(id=f"REQ-F-{at}", kind=Requirement.FUNCTIONAL, verb=verb, object=thing)
            for at, (verb, thing) in enumerate(said)
        ]
    )

    assert count(_sources(spec, ApplicationArchitecture())) == FunctionCount(ei=2, eq=1, eo=1)


@given(st.integers(0, 100_000), st.lists(st.floats(0.1, 1000), min_size=1, max_size=60))
def test_shares_add_up_and_follow_their_weights(total: int, weights: list[float]) -> None:
    parts = shares(total, weights)

    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * weight / sum(weights)) <= 1


@given(st.integers(0, 40), st.sampled_from(["ilf", "eif", "ei", "eo", "eq"]))
def test_a_further_function_never_takes_less_work(more: int, kind: str) -> None:
    larger = FunctionCount()
    larger.CopyFrom(TEN_RECORDS)
    setattr(larger, kind, getattr(larger, kind) + more)

    assert estimate(larger, ()).total_hours.p50 >= estimate(TEN_RECORDS, ()).total_hours.p50


def test_the_three_points_are_in_order_in_every_set_of_projects() -> None:
    for one in effort().datasets.values():
        assert 0 < one.p10 < one.p50 < one.p90


def workloads() -> st.SearchStrategy[list[Workload]]:
    """Activities of two roles that wait for earlier ones."""

    def linked(parts: list[tuple[float, str, int, list[int]]]) -> list[Workload]:
        return [
            Workload(f"a{at}", role, hours, people, tuple(Link(f"a{one % at}") for one in set(before) if at))
            for at, (hours, role, people, before) in enumerate(parts)
        ]

    part = st.tuples(
        st.floats(1, 200), st.sampled_from(["developer", "tester"]), st.integers(1, 3), st.lists(st.integers(0, 9))
    )
    return st.lists(part, min_size=1, max_size=10).map(linked)


@given(workloads(), st.integers(1, 3), st.integers(1, 3))
def test_nobody_works_on_two_activities_at_once(every: list[Workload], developers: int, testers: int) -> None:
    heads = {"developer": developers, "tester": testers}
    staffed = staff(every, heads)
    moments = sorted({one.earliest_start for one in staffed.times.values()})
    for moment in moments:
        for role, most in heads.items():
            busy = sum(
                staffed.people[one.key]
                for one in every
                if one.role == role
                and staffed.times[one.key].earliest_start <= moment < staffed.times[one.key].earliest_finish
            )
            assert busy <= most


@given(workloads())
def test_one_person_does_one_thing_after_another(every: list[Workload]) -> None:
    alone = [one for one in every if one.role == "developer"]
    times = staff(every, {"developer": 1, "tester": 1}).times
    spans = sorted((times[one.key].earliest_start, times[one.key].earliest_finish) for one in alone)

    assert all(before[1] <= after[0] for before, after in pairwise(spans))


def _sources(spec: RequirementsSpec, application: ApplicationArchitecture) -> Sources:
    empty = Sources.of(None, None, None, None)
    return Sources(spec, application, empty.infrastructure, empty.solution)


@pytest.mark.parametrize("hours", [1, 100, 10_000])
def test_more_work_usually_takes_longer_but_not_in_proportion(hours: float) -> None:
    assert usual_months(hours) < usual_months(2 * hours) < 2 * usual_months(hours)
