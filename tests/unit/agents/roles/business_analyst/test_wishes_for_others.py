"""What somebody wants others to be able to do is a function of theirs."""

from __future__ import annotations

import pytest

from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from services.agents.roles.business_analyst.deliverable import produce
from services.agents.roles.business_analyst.request import Request


def spec_of(text: str) -> RequirementsSpec:
    return produce(Request(text)).requirements


def functions(spec: RequirementsSpec) -> list[tuple[str, str, str]]:
    actors = {one.id: one.name for one in spec.actors}
    return [
        (actors.get(one.actor_id, ""), one.verb, one.object)
        for one in spec.requirements
        if one.kind == Requirement.FUNCTIONAL and one.source.quote
    ]


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("A library wants readers to reserve books online.", ("Reader", "reserve", "books")),
        ("We want our guests to be able to order meals.", ("Guest", "order", "meals")),
        ("The city would like citizens to report potholes.", ("Citizen", "report", "potholes")),
        ("Let students download their certificates.", ("Student", "download", "certificates")),
        ("We would like to let members renew a loan.", ("Member", "renew", "loan")),
    ],
)
def test_whoever_is_to_do_it_is_the_actor(text: str, function: tuple[str, str, str]) -> None:
    assert function in functions(spec_of(text))


@pytest.mark.parametrize("text", ["The insurer wants to build a platform.", "We want a new shop for our customers."])
def test_a_wish_for_oneself_is_no_function_of_others(text: str) -> None:
    assert functions(spec_of(text)) == []


def test_a_report_that_people_write_is_a_record_and_one_that_a_system_shows_is_none() -> None:
    written = spec_of("Doctors must write a report.")
    shown = spec_of("The system must generate a report.")

    assert [one.name for one in written.entities] == ["report"]
    assert [one.name for one in shown.entities] == []


def test_what_follows_a_time_is_done_as_well() -> None:
    found = functions(spec_of("Doctors write a report after each appointment and attach images."))

    assert found == [("Doctor", "write", "report"), ("Doctor", "attach", "images")]


def test_what_belongs_to_a_condition_stays_there() -> None:
    found = functions(spec_of("The system must send a mail when users register and confirm their address."))

    assert [verb for _, verb, _ in found] == ["send"]
