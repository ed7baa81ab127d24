"""The lists of the deliverables as CSV: complete, exact, and harmless to whoever opens them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.report.tables import TABLES
from services.agents.roles.solution_architect.assembly import assemble

Outputs = Mapping[str, AgentOutput]
Rows = Sequence[Mapping[str, str]]


@pytest.fixture(scope="module")
def tables(outputs: Outputs, request_input: Mapping[str, Any]) -> Mapping[str, Rows]:
    return tables_of(outputs, request_input)


def tables_of(outputs: Outputs, request_input: Mapping[str, Any]) -> Mapping[str, Rows]:
    files = assemble(outputs, request_input).files
    return {
        name.removeprefix("tables/").removesuffix(".csv"): list(
            csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
        )
        for name, (content, _) in files.items()
        if name.startswith("tables/")
    }


@pytest.mark.parametrize("name", TABLES)
def test_a_table_has_a_row_for_each_item_and_is_left_out_where_there_is_none(
    name: str, tables: Mapping[str, Rows], outputs: Outputs
) -> None:
    key, field = TABLES[name].split(".")
    items = getattr(getattr(outputs[key], key), field)

    assert len(tables.get(name, ())) == len(items)
    if items and "id" in type(items[0]).DESCRIPTOR.fields_by_name:
        assert [row["id"] for row in tables[name]] == [item.id for item in items]


def test_enumerations_are_names_and_what_is_within_has_columns_of_its_own(
    tables: Mapping[str, Rows], outputs: Outputs
) -> None:
    for row, item in zip(tables["requirements"], outputs["requirements"].requirements.requirements, strict=True):
        assert row["priority"] == Requirement.Priority.Name(item.priority).lower()
        assert row["source_quote"] == item.source.quote
        assert row["measure_unit"] == (item.measure.unit if item.HasField("measure") else "")


def test_money_adds_up_in_whole_units(tables: Mapping[str, Rows], outputs: Outputs) -> None:
    cents = sum(one.amount_cents for one in outputs["finance"].finance.build_costs)

    assert sum(Decimal(row["amount"]) for row in tables["build-costs"]) * 100 == cents > 0


def test_the_matrix_has_a_row_for_each_requirement(tables: Mapping[str, Rows], outputs: Outputs) -> None:
    assert {row["requirement"] for row in tables["traceability"]} == {
        one.id for one in outputs["requirements"].requirements.requirements if one.priority != Requirement.WONT
    }


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_is_a_formula(text: str, outputs: Outputs, request_input: Mapping[str, Any]) -> None:
    hostile = AgentOutput.FromString(outputs["requirements"].SerializeToString())
    hostile.requirements.requirements[0].statement = text

    found = tables_of({**outputs, "requirements": hostile}, request_input)

    assert found["requirements"][0]["statement"].startswith("'")
    assert found["traceability"][0]["statement"].startswith("'")


def test_commas_quotes_and_lines_stay_within_their_cell(outputs: Outputs, request_input: Mapping[str, Any]) -> None:
    said = 'first, "second"\nthird; ümlaut'
    unusual = AgentOutput.FromString(outputs["requirements"].SerializeToString())
    unusual.requirements.requirements[0].statement = said

    found = tables_of({**outputs, "requirements": unusual}, request_input)

    assert found["requirements"][0]["statement"] == said
