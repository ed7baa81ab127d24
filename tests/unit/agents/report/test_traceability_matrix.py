from __future__ import annotations

from collections.abc import Mapping

import pytest

from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.report.dossier import Dossier, Request
from services.agents.report.traceability import Thread, coverage, threads


@pytest.fixture(scope="module")
def rows(outputs: Mapping[str, AgentOutput]) -> dict[str, Thread]:
    return {row.requirement.id: row for row in threads(Dossier(Request("text"), outputs))}


def test_a_requirement_is_followed_down_to_its_tests(rows: Mapping[str, Thread]) -> None:
    row = rows["REQ-F-001"]

    assert row.capabilities == ("CAP-intake",)
    assert row.components == ("CMP-portal", "CMP-claims")
    assert row.nodes == ("NOD-app", "NOD-db")
    assert row.work_packages == ("1.2.1", "1.2.2")
    assert row.tests == ("tests/test_claims.py::test_a_customer_submits_a_claim",)


def test_shares_of_the_cost_add_up_to_the_cent(rows: Mapping[str, Thread]) -> None:
    assert sum(row.cost_cents for row in rows.values()) == 5950000 + 560001 + 2550000


def test_what_nothing_answers_for_has_holes(rows: Mapping[str, Thread]) -> None:
    row = rows["REQ-F-003"]

    assert row.is_wanted
    assert row.work_packages == ()
    assert row.cost_cents == 0


def test_limits_are_kept_and_not_built(rows: Mapping[str, Thread]) -> None:
    assert not rows["REQ-C-001"].is_wanted


def test_coverage_counts_only_what_must_or_should_be_built(rows: Mapping[str, Thread]) -> None:
    found = {one.column: (one.covered, one.total) for one in coverage(rows.values())}

    assert found == {
        "Capability": (4, 5),
        "Component": (5, 5),
        "Node": (5, 5),
        "Work package": (4, 5),
        "Cost": (4, 5),
        "Test": (2, 5),
    }


def test_without_requirements_there_is_no_matrix(outputs: Mapping[str, AgentOutput]) -> None:
    assert threads(Dossier(Request("text"), {"plan": outputs["plan"]})) == ()
    assert all(one.share == 0 for one in coverage(()))
