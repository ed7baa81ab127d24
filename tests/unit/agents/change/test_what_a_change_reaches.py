"""An impact runs along dependencies, is told with its way, and stops where nobody depends."""

from __future__ import annotations

import pytest

from services.agents.change.propagation import Impacted, propagate
from services.agents.model.graph import Model


def reached(model: Model, *seeds: str) -> dict[str, Impacted]:
    return {one.element.id: one for one in propagate(model, seeds).impacted}


def strong(model: Model, *seeds: str) -> dict[str, int]:
    return {own: one.distance for own, one in reached(model, *seeds).items() if one.is_strong}


@pytest.mark.parametrize(
    ("seed", "expected"),
    [
        (
            "server",
            {"hosting": 1, "catalogue": 2, "search": 3, "lend": 4, "find": 4, "lending": 5, "happy": 5, "reader": 6},
        ),
        ("catalogue", {"part": 1, "search": 1, "lend": 2, "find": 2, "lending": 3, "happy": 3, "reader": 4}),
        (
            "loans",
            {"records": 1, "lend": 1, "catalogue": 2, "lending": 2, "search": 3, "reader": 3, "find": 4, "happy": 5},
        ),
        ("reader", {}),
    ],
)
def test_whoever_depends_is_reached_at_the_shortest_distance(
    seed: str, expected: dict[str, int], library: Model
) -> None:
    assert strong(library, seed) == expected


def test_what_is_only_connected_is_told_and_leads_nowhere(library: Model) -> None:
    found = reached(library, "catalogue")

    assert {own for own, one in found.items() if not one.is_strong} == {"portal", "backup"}
    assert found["portal"].distance == 1
    assert found["backup"].distance == 5


def test_a_path_leads_from_the_change_to_whom_it_reaches(library: Model) -> None:
    found = reached(library, "server")["lend"]

    assert [(step.source_id, step.relation.id, step.target_id) for step in found.path] == [
        ("server", "r1", "hosting"),
        ("hosting", "r2", "catalogue"),
        ("catalogue", "r3", "search"),
        ("search", "r4", "lend"),
    ]


def test_who_reads_depends_on_the_data_and_the_data_not_on_who_reads(library: Model) -> None:
    assert "catalogue" in strong(library, "records")
    assert "records" not in strong(library, "catalogue")
    assert "records" in strong(library, "loans")


def test_who_has_no_other_provider_is_marked(library: Model) -> None:
    found = reached(library, "catalogue")

    assert found["search"].is_sole
    assert not found["lend"].is_sole


def test_what_the_change_rests_on_is_told_apart(library: Model) -> None:
    impact = propagate(library, ["catalogue"])

    assert [one.id for one in impact.upstream] == ["hosting", "records"]
    assert "hosting" not in {one.element.id for one in impact.impacted}


def test_requirements_and_goals_that_nobody_realises_any_more_are_lost(library: Model) -> None:
    assert [one.id for one in propagate(library, ["catalogue"]).lost] == ["find", "happy"]
    assert propagate(library, ["loans"]).lost == ()


def test_ids_that_the_model_does_not_have_reach_nothing(library: Model) -> None:
    assert propagate(library, ["nobody"]).impacted == ()


def test_circles_end(library: Model) -> None:
    assert len(strong(library, "records", "loans", "catalogue")) <= len(library.elements)
