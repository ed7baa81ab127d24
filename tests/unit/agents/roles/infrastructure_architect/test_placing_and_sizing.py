"""How size, place and redundancy answer to what is asked for: always in the expected direction."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from archwright.agents.v1.business_analyst_pb2 import RequirementsSpec
from archwright.agents.v1.infrastructure_architect_pb2 import DisasterRecovery
from archwright.agents.v1.model_pb2 import Fact
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.draft import Draft
from services.agents.providers import provider, services
from services.agents.roles.infrastructure_architect.availability import COPIES_MAX, combined, redundancy, serial
from services.agents.roles.infrastructure_architect.deliverable import produce
from services.agents.roles.infrastructure_architect.nodes import choose_database, choose_host
from services.agents.roles.infrastructure_architect.recovery import recovery

Maker = Callable[..., AgentOutput]
SENTENCES = (("clerk", "register", "parcel", "with its weight"),)
LOADS = st.floats(min_value=0, max_value=10_000, allow_nan=False)


def draft() -> Draft:
    return Draft("infrastructure_architect", "design", "IA", ())


def fact(kind: Fact.Kind.ValueType, value: str, number: float | None = None, unit: str = "") -> Fact:
    return Fact(kind=kind, value=value, number=number, unit=unit)


@pytest.mark.parametrize("name", sorted(services().providers))
@given(loads=st.tuples(LOADS, LOADS))
@settings(deadline=None, max_examples=60)
def test_more_load_never_gives_less_capacity(name: str, loads: tuple[float, float]) -> None:
    offer, (less, more) = provider(name), sorted(loads)

    small, few = choose_host(offer, less, 4, 6)
    large, many = choose_host(offer, more, 4, 6)
    one, some = choose_database(offer, less, replicated=True)
    other, others = choose_database(offer, more, replicated=True)

    assert small.vcpu * few >= less
    assert large.vcpu * many >= small.vcpu * few
    assert other.vcpu * others >= one.vcpu * some


@given(targets=st.tuples(*[st.floats(min_value=50, max_value=99.9999)] * 2))
def test_a_higher_target_never_gives_less_redundancy(targets: tuple[float, float]) -> None:
    lower, higher = (redundancy(one) for one in sorted(targets))

    assert higher.load_balancer >= lower.load_balancer
    assert higher.compute >= lower.compute
    assert higher.database >= lower.database


@given(target=st.floats(min_value=50, max_value=99.9999))
def test_the_target_is_met_or_nothing_more_can_be_added(target: float) -> None:
    found = redundancy(target)
    copies = {"load_balancer": found.load_balancer, "compute": found.compute, "database": found.database}

    assert serial(copies) >= target or copies == COPIES_MAX


def test_copies_side_by_side_fail_only_together() -> None:
    assert combined(99.0, 2) == pytest.approx(99.99)


def test_an_availability_that_cannot_be_reached_is_a_finding(make_requirements: Maker) -> None:
    output = produce(make_requirements(SENTENCES, (fact(Fact.AVAILABILITY, "99.9999", 99.9999, "percent"),)))

    assert "AVAILABILITY_NOT_REACHED" in {one.code for one in output.findings}
    assert output.infrastructure.availability.computed < output.infrastructure.availability.target


def test_a_hundred_per_cent_is_answered_with_what_can_be_promised(make_requirements: Maker) -> None:
    output = produce(make_requirements(SENTENCES, (fact(Fact.AVAILABILITY, "100", 100, "percent"),)))

    assert "AVAILABILITY_IMPOSSIBLE" in {one.code for one in output.findings}
    assert output.infrastructure.availability.target == 99.99


@pytest.mark.parametrize("factor", [2, 10, 1000])
def test_more_users_never_need_less(make_requirements: Maker, factor: int) -> None:
    few = produce(make_requirements(SENTENCES, (fact(Fact.USERS, "", 50_000, "users"),))).infrastructure
    many = produce(make_requirements(SENTENCES, (fact(Fact.USERS, "", 50_000 * factor, "users"),))).infrastructure

    hosts, more_hosts = (next(one for one in it.nodes if one.role == "compute") for it in (few, many))
    vcpu = {one.sku: one.vcpu for one in provider("aws").compute}
    assert more_hosts.qty * vcpu[more_hosts.sku] >= hosts.qty * vcpu[hosts.sku]
    assert many.sizing.peak_rps == pytest.approx(few.sizing.peak_rps * factor)


def test_a_stated_load_beats_the_estimate(make_requirements: Maker) -> None:
    facts = (fact(Fact.USERS, "", 100, "users"), fact(Fact.TPS, "", 700, "requests/second"))

    assert produce(make_requirements(SENTENCES, facts)).infrastructure.sizing.peak_rps == 700


def test_people_who_come_at_once_double_the_peak(make_requirements: Maker) -> None:
    users = (fact(Fact.USERS, "", 100_000, "users"),)
    auction = (("participant", "place", "bid", "in an auction"),)

    calm, bursty = (produce(make_requirements(it, users)).infrastructure.sizing for it in (SENTENCES, auction))

    assert bursty.peak_rps == pytest.approx(2 * calm.peak_rps)


@pytest.mark.parametrize(
    ("facts", "provider_name", "region"),
    [
        ((fact(Fact.CLOUD, "azure"), fact(Fact.REGION, "DE")), "azure", "germanywestcentral"),
        ((fact(Fact.CLOUD, "gcp"), fact(Fact.REGULATION, "GDPR")), "gcp", "europe-west3"),
        ((fact(Fact.CLOUD, "onprem"), fact(Fact.REGION, "FR")), "onprem", "own-data-centre-fr"),
        ((fact(Fact.REGULATION, "GDPR"), fact(Fact.REGION, "IE")), "aws", "eu-west-1"),
        ((fact(Fact.BUDGET, "", 10, "GBP"),), "aws", "eu-west-2"),
        ((), "aws", "us-east-1"),
    ],
)
def test_a_request_is_placed_where_it_says_or_suggests(
    make_requirements: Maker, facts: tuple[Fact, ...], provider_name: str, region: str
) -> None:
    placed = produce(make_requirements(SENTENCES, facts)).infrastructure

    assert (placed.provider, placed.region.id) == (provider_name, region)


def test_a_law_and_a_wish_that_disagree_are_a_finding(make_requirements: Maker) -> None:
    output = produce(make_requirements(SENTENCES, (fact(Fact.REGULATION, "GDPR"), fact(Fact.REGION, "US"))))

    assert "RESIDENCY_CONFLICT" in {one.code for one in output.findings}
    assert output.infrastructure.region.id == "eu-central-1"


@pytest.mark.parametrize(
    ("rto", "rpo", "strategy"),
    [
        (1, 60, DisasterRecovery.ACTIVE_ACTIVE),
        (10, 60, DisasterRecovery.WARM),
        (240, 60, DisasterRecovery.PILOT_LIGHT),
        (1440, 1440, DisasterRecovery.BACKUP),
        (1440, 1, DisasterRecovery.WARM),
    ],
)
def test_the_cheapest_strategy_that_is_back_in_time_is_chosen(
    rto: float, rpo: float, strategy: DisasterRecovery.Strategy.ValueType
) -> None:
    spec = RequirementsSpec(facts=[fact(Fact.RTO, "", rto, "minutes"), fact(Fact.RPO, "", rpo, "minutes")])

    assert recovery(spec, 1, draft()).strategy == strategy


def test_two_clouds_in_one_request_are_a_finding(make_requirements: Maker) -> None:
    output = produce(make_requirements(SENTENCES, (fact(Fact.CLOUD, "aws"), fact(Fact.CLOUD, "azure"))))

    assert "CLOUD_CONTRADICTS" in {one.code for one in output.findings}
