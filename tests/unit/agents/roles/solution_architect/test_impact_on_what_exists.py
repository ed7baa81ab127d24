"""A change to a model of what exists: from the request to the report, the layers to design, and the resulting model."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Mapping
from typing import Any

import pytest
from library import LIBRARY
from role_chain import example

from archwright.agents.v1.business_analyst_pb2 import ChangeAssessment, RequirementsSpec
from archwright.testing import performed
from services.agents.deliverables import from_json
from services.agents.model.baseline import read_baseline
from services.agents.model.exchange.check import import_problems
from services.agents.model.exchange.read import read
from services.agents.roles.business_analyst.service import agent as business_analyst
from services.agents.roles.solution_architect.assembly import REPORT, RESULTING_MODEL, assemble
from services.agents.roles.solution_architect.service import agent as solution_architect

RETIRE = {"request": "Retire the Catalogue System.", "baseline_model": LIBRARY}


async def worked_out(request: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the outputs of the analyst and of the impact analysis."""
    first = await performed(business_analyst, {"request": dict(request)}, task_type="analyze")
    assert first.failure is None, first.failure
    second = await performed(
        solution_architect,
        {"request": dict(request), "requirements": first.output},
        task_type="impact_analysis",
    )
    assert second.failure is None, second.failure
    return dict(first.output), dict(second.output)


async def test_the_analyst_says_which_elements_the_request_names() -> None:
    analysed, _ = await worked_out(RETIRE)

    spec = from_json(analysed).requirements
    [found] = spec.change_assessment.matched_elements
    assert spec.request_type == RequirementsSpec.MODIFICATION
    assert spec.change_assessment.change_kind == ChangeAssessment.REMOVE
    assert (found.id, found.name, found.type) == ("catalogue", "Catalogue System", "ApplicationComponent")
    assert RETIRE["request"][slice(*found.source.span)] == found.source.quote == "Catalogue System"
    assert list(spec.change_assessment.affected_requirements) == ["find"]
    assert "BASELINE_MISSING" not in {finding.code for finding in from_json(analysed).findings}


async def test_layers_that_change_or_depend_directly_are_designed_and_no_others() -> None:
    _, touched = await worked_out(RETIRE)
    _, below = await worked_out({**RETIRE, "request": "Migrate the Old Server to Kubernetes."})

    assert touched["affected"] == {"business": False, "application": True, "infrastructure": False}
    assert below["affected"] == {"business": False, "application": False, "infrastructure": True}
    assert {reason["element"] for reason in below["impact"]["reasons"]} == {"Old Server", "Kubernetes", "Hosting"}


async def test_the_analysis_holds_elements_with_their_ways_and_operations() -> None:
    _, found = await worked_out(RETIRE)

    output = from_json(found)
    lend = next(one for one in output.impact.impacted if one.element.id == "lend")
    assert [(step.relation_type, step.to_id) for step in lend.path] == [("Realization", "search"), ("Serving", "lend")]
    assert [one.id for one in output.impact.upstream] == ["hosting", "records"]
    assert [one.id for one in output.impact.lost] == ["find", "happy"]
    assert {finding.code for finding in output.findings} == {"REALISATION_LOST"}
    assert len(output.model_ops) == output.metrics["impact_operations"] == 6


async def test_a_compressed_model_is_the_same_model() -> None:
    packed = base64.b64encode(gzip.compress(LIBRARY.encode())).decode()

    assert await worked_out({**RETIRE, "baseline_model": packed}) == await worked_out(RETIRE)


async def test_the_report_shows_it_and_the_resulting_model_opens() -> None:
    request = example("catalogue-change")
    analysed, found = await worked_out(request)

    baseline = read_baseline(request["baseline_model"].encode())
    files = assemble({"requirements": from_json(analysed)}, request, from_json(found), baseline).files
    page, model = files[REPORT][0].decode(), files[RESULTING_MODEL][0]
    assert 'id="impact"' in page
    assert "What the change reaches" in page
    assert import_problems(model) == ()
    names = {element.name for element in read(model).model.elements.values()}
    assert "Koha" in names
    assert "Catalogue System" not in names
    assert b"search" in files["tables/impact.csv"][0]
    assert "deliverables/impact.json" in files


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("no model", "not well-formed"),
        ("<html/>", "begins with <html>"),
        ("H4sIbanana", "looks compressed and is not"),
        (base64.b64encode(gzip.compress(LIBRARY.encode())[:-20]).decode(), "cut short"),
        (base64.b64encode(gzip.compress(b"a" * (33 << 20))).decode(), "has over"),
        ('<!DOCTYPE m [<!ENTITY a "b">]><m/>', "no document type declaration"),
        (7, "not int"),
    ],
)
async def test_a_model_that_cannot_be_read_is_an_error_that_says_why(given: Any, complaint: str) -> None:
    done = await performed(business_analyst, {"request": {**RETIRE, "baseline_model": given}}, task_type="analyze")

    assert done.failure is not None
    assert done.failure.code == "BASELINE_INVALID"
    assert complaint in done.failure.message
