from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.project_manager_pb2 import Activity, ProjectPlan, WbsEntry
from services.agents.report.charts.bars import Row, lying_bars
from services.agents.report.charts.columns import Column, standing_columns
from services.agents.report.charts.gantt import gantt
from services.agents.report.charts.marks import ticks
from services.agents.report.charts.tornado import Swing, tornado
from services.agents.report.dossier import Dossier, Request
from services.agents.report.figures import FIGURES
from services.agents.report.words import number

SVG = "{http://www.w3.org/2000/svg}"
values = st.floats(min_value=0, max_value=1e12, allow_nan=False)


def bars(picture: str) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(picture).iter(f"{SVG}rect"))


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_well_formed_also_without_anything_to_show(
    name: str, outputs: Mapping[str, AgentOutput]
) -> None:
    for found in (outputs, {}):
        ElementTree.fromstring(FIGURES[name](Dossier(Request("text"), found)))


@given(st.floats(min_value=0, max_value=1e15))
def test_ticks_start_at_nothing_rise_and_reach_the_largest(largest: float) -> None:
    marks = ticks(largest)

    assert marks[0] == 0
    assert list(marks) == sorted(set(marks))
    assert marks[-1] >= largest * 0.999999
    assert len(marks) <= 12


@given(st.lists(st.tuples(st.text(max_size=8), values, values), max_size=8))
def test_lying_bars_hold_any_name_and_any_value(rows: list[tuple[str, float, float]]) -> None:
    picture = lying_bars([Row(name, (one, other)) for name, one, other in rows], ["a", "b"], number, "Test")

    ElementTree.fromstring(picture)


def test_bars_are_as_long_as_their_values() -> None:
    found = bars(lying_bars([Row("one", (10.0,)), Row("two", (20.0,))], ["x"], number, "Test"))

    assert float(found[1].get("width", "0")) == pytest.approx(2 * float(found[0].get("width", "0")), abs=0.2)


def test_columns_stand_on_each_other() -> None:
    lower, upper = bars(standing_columns([Column("W1", (10.0, 20.0))], ["a", "b"], number, "Test"))[2:]

    assert float(upper.get("y", "0")) + float(upper.get("height", "0")) == pytest.approx(
        float(lower.get("y", "0")), abs=0.2
    )


def test_the_widest_swing_comes_first() -> None:
    picture = tornado([Swing("small", 9, 11), Swing("wide", 5, 15)], 10, number, "Test")

    assert picture.index("wide") < picture.index("small")


def plan(count: int) -> ProjectPlan:
    parts = [WbsEntry(id="1", name="Whole", kind=WbsEntry.SUMMARY)]
    parts += [WbsEntry(id=f"1.{n}", name=f"Phase {n}", parent="1", kind=WbsEntry.PHASE) for n in (1, 2)]
    parts += [WbsEntry(id=f"1.{n}.1", name=f"Package {n}", parent=f"1.{n}", kind=WbsEntry.WORK_PACKAGE) for n in (1, 2)]
    activities = [
        Activity(id=f"A{n}", wbs_id=f"1.{n % 2 + 1}.1", name=f"Work <{n}>", es=n, ef=n + 2, lf=n + 3)
        for n in range(count)
    ]
    return ProjectPlan(wbs=parts, activities=activities, project_duration_days=count + 2)


def test_activities_stand_under_their_phase() -> None:
    picture = gantt(plan(4))

    assert "1.1 Phase 1" in picture
    assert "Work &lt;3&gt;" in picture


def test_a_large_plan_is_shown_by_work_package() -> None:
    picture = gantt(plan(200))

    assert "Package 2" in picture
    assert "Work" not in picture


def test_parts_that_are_their_own_parents_do_not_hang_the_chart() -> None:
    broken = ProjectPlan(
        wbs=[WbsEntry(id="1", parent="2"), WbsEntry(id="2", parent="1")],
        activities=[Activity(id="A1", wbs_id="1", name="Work", ef=3)],
    )

    ElementTree.fromstring(gantt(broken))
