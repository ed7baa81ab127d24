from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.deliverables import from_json
from services.agents.model.exchange.check import import_problems
from services.agents.model.exchange.read import read
from services.agents.report.dossier import KEYS
from services.agents.roles.solution_architect.assembly import MARKDOWN, MODEL, REPORT, Assembly, assemble


@pytest.fixture(scope="module")
def assembly(outputs: Mapping[str, AgentOutput], request_input: Mapping[str, Any]) -> Assembly:
    return assemble(outputs, request_input)


def test_there_is_a_report_a_model_tables_and_a_file_for_each_deliverable(assembly: Assembly) -> None:
    kinds = {name: media_type for name, (_, media_type) in assembly.files.items()}
    tables = [name for name in kinds if name.startswith("tables/")]

    assert [name for name in kinds if name not in tables] == [
        REPORT,
        MARKDOWN,
        MODEL,
        *(f"deliverables/{key}.json" for key in KEYS),
    ]
    assert "tables/traceability.csv" in tables
    assert {kinds.pop(name) for name in tables} == {"text/csv; charset=utf-8"}
    assert set(kinds.values()) == {
        "text/html; charset=utf-8",
        "text/markdown; charset=utf-8",
        "application/xml",
        "application/json",
    }


def figures_of(assembly: Assembly) -> Mapping[str, int]:
    return dict(assembly.output.assembly.figures)


def test_the_model_file_holds_what_the_roles_said_with_all_views(assembly: Assembly) -> None:
    content, _ = assembly.files[MODEL]
    found = read(content)

    assert import_problems(content) == ()
    assert found.model.name == "Claims platform"
    assert len(found.model.elements) == figures_of(assembly)["elements"] == 46
    assert len(found.diagrams) == 9


def test_each_json_file_is_the_output_itself(assembly: Assembly, outputs: Mapping[str, AgentOutput]) -> None:
    for key, output in outputs.items():
        content, _ = assembly.files[f"deliverables/{key}.json"]
        assert from_json(json.loads(content)) == output
        assert content.endswith(b"}\n")


def test_the_summary_has_lines_for_people(assembly: Assembly) -> None:
    assert assembly.output.assembly.title == "Claims platform"
    assert list(assembly.output.summary) == [
        "6 requirements, 4 of them a must; 4 capabilities",
        "3 components on 2 nodes; a model of 46 elements and 48 relations",
        "plan: 60 working days (P80 71); 3 work packages; deadline: feasible",
        "cost: €108,600 to build, €1,800 a month of infrastructure, €442,000 in all; budget: within",
        "1 findings, 0 of them errors; 2 open questions, 1 assumptions",
        "with less than wished for: Developer",
    ]


def test_the_summary_has_figures_for_programs(assembly: Assembly) -> None:
    assert figures_of(assembly) == {
        "requirements": 6,
        "must_requirements": 4,
        "capabilities": 4,
        "components": 3,
        "nodes": 2,
        "work_packages": 3,
        "elements": 46,
        "relations": 48,
        "findings": 1,
        "error_findings": 0,
        "open_questions": 2,
        "assumptions": 1,
    }


def test_what_the_model_left_out_is_a_finding(outputs: Mapping[str, AgentOutput]) -> None:
    broken = AgentOutput.FromString(outputs["infrastructure"].SerializeToString())
    broken.model_ops.add(
        op="ADD_RELATION", id="id-bad", type="Assignment", source_id="id-nod-app", target_id="id-cmp-claims"
    )

    found = assemble({**outputs, "infrastructure": broken}, {})

    assert figures_of(found)["error_findings"] == 1
    assert b"MODEL_RELATION_ILLEGAL" in found.files[REPORT][0]


def test_a_deliverable_that_is_missing_has_no_file_and_is_named(outputs: Mapping[str, AgentOutput]) -> None:
    found = assemble({key: output for key, output in outputs.items() if key not in {"plan", "finance"}}, {})

    assert "deliverables/plan.json" not in found.files
    lines = found.output.summary
    assert "made without: plan, finance" in lines
    assert "cost: not assessed; budget: not assessed" in lines


def test_keys_that_nobody_knows_are_left_alone(outputs: Mapping[str, AgentOutput]) -> None:
    found = assemble({**outputs, "../escape": AgentOutput()}, {})

    assert not [name for name in found.files if "escape" in name]


def test_where_no_node_has_a_price_no_sum_is_pretended(outputs: Mapping[str, AgentOutput]) -> None:
    unpriced = AgentOutput.FromString(outputs["finance"].SerializeToString())
    costs = unpriced.finance.infra_costs
    costs.monthly_total_cents = 0
    del costs.environments[1:]
    del costs.environments[0].lines[:]
    for node in outputs["infrastructure"].infrastructure.nodes:
        costs.environments[0].lines.add(node_id=node.id, price_not_found=True)

    found = assemble({**outputs, "finance": unpriced}, {})

    lines = found.output.summary
    assert any("2 of 2 nodes have no known price" in line for line in lines)
    assert not any("€0 a month" in line for line in lines)
    assert "without infrastructure" in found.files[REPORT][0].decode()
    assert "€0 a month" not in found.files[MARKDOWN][0].decode()
