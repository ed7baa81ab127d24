"""What a change touches and what a review says: only what the deliverables at hand say."""

from __future__ import annotations

from archwright.agents.v1.business_analyst_pb2 import QualityClass, Requirement
from archwright.agents.v1.model_pb2 import Finding, Source
from archwright.agents.v1.output_pb2 import AffectedLayers, AgentOutput
from archwright.agents.v1.solution_architect_pb2 import Review
from services.agents.change.impact import Asker, impact
from services.agents.roles.solution_architect.review import review

ASKER = Asker("solution_architect")


def requirements(*found: Requirement) -> AgentOutput:
    output = AgentOutput(agent_type="business_analyst")
    output.requirements.requirements.extend(found)
    return output


def test_a_wish_for_speed_touches_application_and_infrastructure_by_its_own_words() -> None:
    wish = Requirement(
        id="REQ-Q-001",
        kind=Requirement.QUALITY,
        quality=QualityClass(iso25010="performance_efficiency"),
        source=Source(quote="within two seconds"),
    )

    found = impact(requirements(wish), ASKER)

    assert found.affected == AffectedLayers(business=False, application=True, infrastructure=True)
    assert {(reason.layer, reason.quote) for reason in found.impact.reasons} == {
        ("application", "within two seconds"),
        ("infrastructure", "within two seconds"),
    }


def test_what_nobody_asked_for_touches_nothing() -> None:
    assumed = Requirement(id="REQ-F-001", kind=Requirement.FUNCTIONAL, basis=Source.ASSUMED)

    touched = impact(requirements(assumed), ASKER).affected

    assert touched == AffectedLayers(business=False, application=False, infrastructure=False)


def test_without_requirements_everything_counts_as_affected() -> None:
    found = impact(None, ASKER)

    assert found.degraded
    assert found.affected == AffectedLayers(business=True, application=True, infrastructure=True)


def test_a_review_tells_the_worst_first_and_judges_by_it() -> None:
    output = requirements()
    output.findings.add(severity=Finding.WARNING, code="B", message="look at it")
    output.findings.add(severity=Finding.ERROR, code="A", message="settle it")

    found = review({"requirements": output, "solution": AgentOutput()})

    assert found.review.verdict == Review.UNSOUND
    assert [finding.code for finding in found.findings] == ["A", "B"]
    assert {finding.deliverable for finding in found.findings} == {"requirements"}


def test_deliverables_without_findings_are_sound() -> None:
    outputs = {"requirements": requirements(), "solution": AgentOutput(agent_type="solution_architect")}

    assert review(outputs).review.verdict == Review.SOUND


def test_nothing_to_review_is_not_called_sound() -> None:
    found = review({})

    assert found.review.verdict == Review.UNKNOWN
    assert [finding.code for finding in found.findings] == ["INPUT_MISSING"]


def test_questions_that_nobody_answered_keep_a_review_open() -> None:
    output = requirements()
    output.open_questions.add(id="Q-BA-01", text="By when?")

    found = review({"requirements": output, "solution": AgentOutput()})

    assert found.review.verdict == Review.OPEN
    assert found.review.open_questions == 1


def test_designs_without_a_solution_are_held_against_each_other() -> None:
    wish = Requirement(id="REQ-F-001", kind=Requirement.FUNCTIONAL, priority=Requirement.MUST)
    outputs = {"requirements": requirements(wish)} | {
        key: AgentOutput() for key in ("business", "application", "infrastructure")
    }

    broken = {finding.code: list(finding.subject_ids) for finding in review(outputs).findings}

    assert broken["SA-FUNCTION-REALISED"] == ["REQ-F-001"]


def test_a_conclusion_without_words_of_the_request_has_no_quote() -> None:
    wish = Requirement(id="REQ-F-001", kind=Requirement.FUNCTIONAL, statement="The system keeps records.")

    assert {reason.quote for reason in impact(requirements(wish), ASKER).impact.reasons} == {""}


def test_both_are_outputs_of_an_agent_with_their_origin() -> None:
    for made in (impact(requirements(), ASKER), impact(None, ASKER), review({})):
        assert (made.agent_type, made.mode) == ("solution_architect", AgentOutput.DETERMINISTIC)
        assert made.provenance.rules_version


def test_a_role_is_told_of_its_own_layers_alone() -> None:
    wish = Requirement(
        id="REQ-Q-001", kind=Requirement.QUALITY, quality=QualityClass(iso25010="performance_efficiency")
    )

    found = impact(requirements(wish), Asker("infrastructure_architect", ("infrastructure",)))

    assert found.affected == AffectedLayers(infrastructure=True)
    assert {reason.layer for reason in found.impact.reasons} == {"infrastructure"}
