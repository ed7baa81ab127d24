"""The plan of a request: every hour accounted for, everything designed has its work, and verdicts that follow."""

from collections import Counter
from collections.abc import Callable

import pytest

from archwright import payloads
from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.model_pb2 import Fact, ModelOp, Source
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.project_manager_pb2 import Feasibility, Predecessor, ProjectPlan, WbsEntry
from archwright.agents.v1.solution_architect_pb2 import ArchitectureGap, Plateau, SolutionArchitecture
from archwright.testing import performed
from services.agents.deliverables import from_json, to_json
from services.agents.model.merge import merge
from services.agents.roles.application_architect.deliverable import produce as design_applications
from services.agents.roles.infrastructure_architect.deliverable import produce as design_infrastructure
from services.agents.roles.project_manager.deliverable import produce
from services.agents.roles.project_manager.productivity import P80_DEVIATIONS
from services.agents.roles.project_manager.risks import known_risks
from services.agents.roles.project_manager.service import agent
from services.agents.roles.project_manager.work_table import work

Chain = tuple[AgentOutput, AgentOutput, AgentOutput]


def designed(requirements: AgentOutput) -> Chain:
    application = design_applications(requirements, None)
    return requirements, application, design_infrastructure(requirements, application)


def planned_for(requirements: AgentOutput) -> ProjectPlan:
    return produce(*designed(requirements)).plan


@pytest.fixture(scope="module")
def chain(claims_once: AgentOutput) -> Chain:
    return designed(claims_once)


@pytest.fixture(scope="module")
def output(chain: Chain) -> AgentOutput:
    return produce(*chain)


@pytest.fixture(scope="module")
def plan(output: AgentOutput) -> ProjectPlan:
    return output.plan


def with_deadline(requirements: AgentOutput, value: str, number: float | None = None) -> AgentOutput:
    changed = AgentOutput()
    changed.CopyFrom(requirements)
    kept = [one for one in changed.requirements.facts if one.kind != Fact.DEADLINE]
    deadline = Fact(id="FACT-90", kind=Fact.DEADLINE, value=value, unit="months", basis=Source.EXPLICIT)
    if number is not None:
        deadline.number = number
    del changed.requirements.facts[:]
    changed.requirements.facts.extend([*kept, deadline] if value else kept)
    return changed


def test_parts_add_up_to_their_whole_at_every_level(plan: ProjectPlan) -> None:
    [root] = [one for one in plan.wbs if not one.HasField("parent")]
    ids = Counter(one.id for one in plan.wbs)
    for whole in plan.wbs:
        parts = [one for one in plan.wbs if one.HasField("parent") and one.parent == whole.id]
        if whole.kind == WbsEntry.WORK_PACKAGE:
            assert not parts
            assert whole.hours == sum(one.expected_hours for one in plan.activities if one.wbs_id == whole.id)
        else:
            assert sum(one.hours for one in parts) == pytest.approx(whole.hours)
    assert set(ids.values()) == {1}
    assert root.hours == pytest.approx(sum(one.expected_hours for one in plan.activities))


def test_activities_share_out_the_estimate_at_each_of_its_points(plan: ProjectPlan) -> None:
    total = plan.estimation.total_hours

    assert sum(one.o_hours for one in plan.activities) == pytest.approx(total.p10)
    assert sum(one.m_hours for one in plan.activities) == pytest.approx(total.p50)
    assert sum(one.p_hours for one in plan.activities) == pytest.approx(total.p90)
    for one in plan.activities:
        assert 0 < one.o_hours <= one.m_hours <= one.p_hours
        assert one.expected_hours == pytest.approx((one.o_hours + 4 * one.m_hours + one.p_hours) / 6)
        assert one.variance == pytest.approx(((one.p_hours - one.o_hours) / 6) ** 2)


def test_phases_get_their_share(plan: ProjectPlan) -> None:
    [root] = [one for one in plan.wbs if not one.HasField("parent")]
    found = {one.name: one.hours / root.hours for one in plan.wbs if one.kind == WbsEntry.PHASE}

    assert {name: round(100 * share) for name, share in found.items()} == {one.name: one.share for one in work().phases}
    assert sum(one.share for one in work().phases) == 100


def test_everything_designed_has_a_work_package_and_every_package_an_origin(plan: ProjectPlan, chain: Chain) -> None:
    delivered = {one for entry in plan.wbs for one in entry.deliverable_ids}
    _, application, infrastructure = chain

    assert delivered >= {one.id for one in application.application.components}
    assert delivered >= {one.id for one in infrastructure.infrastructure.nodes}
    assert all(one.trace_ids for one in plan.wbs if one.kind == WbsEntry.WORK_PACKAGE)


def test_the_schedule_is_the_longest_path_through_its_links(plan: ProjectPlan) -> None:
    finishes: dict[str, float] = {}
    starts: dict[str, float] = {}
    waiting = {one.id: one for one in plan.activities}
    while waiting:
        ready = [one for one in waiting.values() if not any(link.id in waiting for link in one.predecessors)]
        assert ready, "activities wait for each other"
        for one in ready:
            bounds = [
                (finishes if link.type == Predecessor.FS else starts)[link.id] + link.lag_days
                for link in one.predecessors
            ]
            starts[one.id] = max(bounds, default=0.0)
            finishes[one.id] = starts[one.id] + one.duration_days
            del waiting[one.id]
    for one in plan.activities:
        assert (one.es, one.ef) == (starts[one.id], finishes[one.id])
        assert one.total_float == one.ls - one.es >= 0
        assert 0 <= one.free_float <= one.total_float
        assert one.lf == one.ls + one.duration_days
        assert one.critical == (one.total_float == 0)
    assert plan.project_duration_days == max(finishes.values())


def test_the_critical_path_leads_from_the_start_to_the_end(plan: ProjectPlan) -> None:
    by_id = {one.id: one for one in plan.activities}
    path = [by_id[one] for one in plan.critical_path]

    assert all(one.critical for one in path)
    assert path[0].es == 0
    assert path[-1].ef == plan.project_duration_days
    assert sum(one.duration_days for one in path) == plan.project_duration_days
    assert plan.p50_days == plan.project_duration_days


def test_the_chance_of_four_fifths_adds_deviations_along_the_path(plan: ProjectPlan) -> None:
    by_id = {one.id: one for one in plan.activities}
    spread = sum(
        by_id[one].variance ** 0.5 / plan.calendar.hours_per_day / by_id[one].resources[0].fte
        for one in plan.critical_path
    )

    assert plan.p80_days == pytest.approx(plan.p50_days + P80_DEVIATIONS * spread, abs=0.01)
    assert plan.p50_date.startswith("T0+")


def test_no_week_needs_more_people_than_there_are(plan: ProjectPlan) -> None:
    for one in plan.resource_histogram:
        assert 0 < one.hours <= one.capacity_hours + 0.01
    booked: dict[str, float] = {}
    for one in plan.resource_histogram:
        booked[one.role] = booked.get(one.role, 0.0) + one.hours
    for role in plan.team:
        asked = sum(one.expected_hours for one in plan.activities if one.role == role.role)
        assert booked[role.role] == pytest.approx(asked, abs=1)


def test_a_component_is_built_after_those_that_it_calls(plan: ProjectPlan, chain: Chain) -> None:
    built = {one.name: one for one in plan.activities}
    names = {one.id: one.name for one in chain[1].application.components}
    calls = [
        (consumer, interface.provider_id)
        for interface in chain[1].application.interfaces
        for consumer in interface.consumer_ids
        if interface.sync
    ]
    assert calls
    for consumer, provider in calls:
        assert built[f"Build {names[consumer]}"].es >= built[f"Build {names[provider]}"].ef


def test_one_role_answers_for_each_package_and_stands_in_one_column(plan: ProjectPlan) -> None:
    team = {one.role for one in plan.team}
    assert [one.wbs_id for one in plan.raci] == [one.id for one in plan.wbs if one.kind == WbsEntry.WORK_PACKAGE]
    for one in plan.raci:
        others = [*one.consulted, *one.informed]
        assert {one.responsible, one.accountable, *others} <= team
        assert len(others) == len(set(others))
        assert not {one.responsible, one.accountable} & set(others)


def test_risks_are_those_that_the_request_shows(plan: ProjectPlan, auctions: AgentOutput) -> None:
    here = {one.rule_id for one in plan.risks}
    there = {one.rule_id for one in planned_for(auctions).risks}

    assert {"RISK-LEGACY", "RISK-LAW", "RISK-EXTERNAL", "RISK-PERSONAL"} <= here
    assert "RISK-REAL-TIME" in there - here
    assert len(here & there) < 0.8 * len(here | there)


def test_every_risk_has_a_score_an_origin_an_answer_and_an_owner(plan: ProjectPlan) -> None:
    team = {one.role for one in plan.team}
    assert [one.score for one in plan.risks] == sorted((one.score for one in plan.risks), reverse=True)
    for one in plan.risks:
        assert one.score == one.probability * one.impact
        assert 1 <= one.probability <= 5
        assert 1 <= one.impact <= 5
        assert one.response
        assert one.action
        assert one.trigger
        assert one.trace_ids
        assert one.owner_role in team
        assert one.contingency_hours > 0
        assert "{" not in one.cause


def test_the_table_of_risks_is_whole() -> None:
    rules = known_risks().rules
    assert len({one.id for one in rules}) == len(rules) >= 40
    for one in rules:
        assert bool(one.signal) != bool(one.words), one.id
        assert "{found}" in one.cause or one.id == "RISK-DATED"
        assert one.owner in work().roles


def test_a_tighter_deadline_changes_the_verdict_and_not_the_plan(chain: Chain) -> None:
    verdicts = []
    lengths = set()
    for months in (24, 12, 9, 2):
        made = produce(with_deadline(chain[0], str(months), months), *chain[1:]).plan
        verdicts.append(made.feasibility.verdict)
        lengths.add(made.project_duration_days)
        slack = made.feasibility.deadline_days - made.p80_days
        assert made.feasibility.slack_days == pytest.approx(slack)
        assert (made.feasibility.verdict == Feasibility.FEASIBLE) == (slack >= 0)

    assert len(lengths) == 1
    assert verdicts == sorted(verdicts)
    assert (verdicts[0], verdicts[-1]) == (Feasibility.FEASIBLE, Feasibility.INFEASIBLE)


def test_an_impossible_deadline_is_a_finding_with_ways_out(chain: Chain) -> None:
    made = produce(with_deadline(chain[0], "2", 2), *chain[1:])

    assert "DEADLINE_INFEASIBLE" in {one.code for one in made.findings}
    kinds = {one.kind for one in made.plan.feasibility.options}
    assert kinds >= {"extend", "prioritise"}
    assert made.plan.risks[0].rule_id == "RISK-DEADLINE-MISSED"


def test_leaving_out_what_is_no_must_saves_its_share_of_the_work(chain: Chain) -> None:
    saved = []
    for optional in (1, 2, 4):
        changed = with_deadline(chain[0], "2", 2)
        for one in changed.requirements.requirements[:optional]:
            one.priority = Requirement.COULD
        made = produce(changed, *chain[1:]).plan
        [option] = [one for one in made.feasibility.options if one.kind == "descope"]
        saved.append(option.saves_days)
        assert 0 < option.saves_days < made.p80_days
        assert "REQ-F-001" in option.text

    assert saved == sorted(saved)


@pytest.mark.parametrize(
    ("written", "day"),
    [("2027-Q2", "2027-06-30"), ("2027", "2027-12-31"), ("2028-02", "2028-02-29"), ("2027-02-30", "2027-02-28")],
)
def test_a_date_is_answered_with_the_latest_start(chain: Chain, written: str, day: str) -> None:
    made = produce(with_deadline(chain[0], written), *chain[1:]).plan.feasibility

    assert made.verdict == Feasibility.AT_RISK
    assert not made.HasField("deadline_days")
    assert day in made.reason
    assert "has to start by 202" in made.reason


def test_a_deadline_that_nobody_can_read_is_quoted(chain: Chain) -> None:
    made = produce(with_deadline(chain[0], "2027-13"), *chain[1:]).plan.feasibility

    assert made.verdict == Feasibility.NO_DEADLINE
    assert "'2027-13'" in made.reason


def test_without_a_deadline_the_plan_asks_for_one(chain: Chain) -> None:
    made = produce(with_deadline(chain[0], ""), *chain[1:])

    assert made.plan.feasibility.verdict == Feasibility.NO_DEADLINE
    assert [one.about for one in made.open_questions] == ["deadline"]


def test_the_developers_that_the_request_names_are_the_team_and_more_never_take_longer(chain: Chain) -> None:
    lengths = []
    for developers in (1, 2, 3, 5, 8, 13):
        changed = AgentOutput()
        changed.CopyFrom(chain[0])
        changed.requirements.facts.add(
            id="FACT-91", kind=Fact.TEAM, value=str(developers), number=developers, unit="developers"
        )
        made = produce(changed, *chain[1:]).plan
        [role] = [one for one in made.team if one.role == "developer"]
        assert (role.fte, role.basis) == (developers, Source.EXPLICIT)
        lengths.append(made.project_duration_days)

    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > lengths[-1]


def test_more_functions_never_take_fewer_hours(make_requirements: Callable[..., AgentOutput]) -> None:
    things = ["order", "basket", "product", "delivery", "refund", "invoice", "route", "shift"]
    hours = []
    for count in (1, 3, 5, 8):
        sentences = tuple(("clerk", "create", thing, "at once") for thing in things[:count])
        hours.append(planned_for(make_requirements(sentences)).estimation.total_hours.p50)

    assert hours == sorted(hours)
    assert hours[0] < hours[-1]


def test_gaps_of_the_solution_have_packages_and_its_last_plateau_is_the_target(chain: Chain) -> None:
    component = chain[1].application.components[0].id
    solution = AgentOutput(
        agent_type="solution_architect",
        solution=SolutionArchitecture(
            gaps=[
                ArchitectureGap(
                    id="GAP-01", name="New", type=ArchitectureGap.ADD, element_ids=[f"id-{component.lower()}"]
                ),
                ArchitectureGap(id="GAP-02", name="Old archive", type=ArchitectureGap.REMOVE),
            ],
            plateaus=[Plateau(id="PLT-today", name="Today"), Plateau(id="PLT-later", name="Later")],
        ),
    )
    made = produce(*chain, solution)
    traced = {trace: one.name for one in made.plan.wbs if one.kind == WbsEntry.WORK_PACKAGE for trace in one.trace_ids}

    assert not made.degraded
    assert {"GAP-01", "GAP-02"} <= traced.keys()
    assert "RISK-IN-USE" in {one.rule_id for one in made.plan.risks}
    assert any(op.id == "id-plt-later" for op in made.model_ops)


def test_the_model_gets_only_legal_relations_among_known_elements(output: AgentOutput, chain: Chain) -> None:
    model = merge([*chain, output])
    kinds = Counter(op.type for op in output.model_ops if op.op == ModelOp.ADD_ELEMENT)

    assert not model.problems
    assert set(kinds) == {"WorkPackage", "Deliverable", "Plateau"}
    built = {op.target_id for op in output.model_ops if op.type == "Realization"}
    assert built >= {f"id-{one.id.lower()}" for one in chain[1].application.components}


@pytest.mark.parametrize("missing", range(4))
def test_whatever_is_missing_is_named_and_the_rest_is_planned(chain: Chain, missing: int) -> None:
    inputs: list[AgentOutput | None] = [*chain, None]
    inputs[missing] = None
    made = produce(*inputs)
    key = ["requirements", "application", "infrastructure", "solution"][missing]

    assert made.degraded
    assert [key] in [list(one.subject_ids) for one in made.findings if one.code == "INPUT_MISSING"]
    assert made.plan.activities
    assert all(one.trace_ids for one in made.plan.activities)


def test_nothing_at_all_still_gives_a_small_plan() -> None:
    made = produce(None)

    assert "NOTHING_TO_COUNT" in {one.code for one in made.findings}
    assert made.plan.estimation.ufp_total == 31
    assert 0 < made.plan.project_duration_days < 200


def test_the_chart_shows_every_activity_once(plan: ProjectPlan) -> None:
    lines = plan.mermaid_gantt.splitlines()

    assert lines[0] == "gantt"
    for one in plan.activities:
        assert sum(f"{one.id.lower()}," in line for line in lines) == 1
    assert sum("crit," in line for line in lines) == sum(one.critical for one in plan.activities)


def test_milestones_come_in_order_and_after_their_activities(plan: ProjectPlan) -> None:
    finishes = {one.id: one.ef for one in plan.activities}
    assert [one.day for one in plan.milestones] == sorted(one.day for one in plan.milestones)
    for one in plan.milestones:
        assert one.day == max(finishes[after] for after in one.after_ids)
    assert plan.milestones[-1].day == plan.project_duration_days


def test_the_same_inputs_give_the_same_bytes(chain: Chain, output: AgentOutput) -> None:
    again = [from_json(to_json(one)) for one in chain]

    assert payloads.canonical(to_json(produce(*again))) == payloads.canonical(to_json(output))


def test_two_requests_get_two_plans(plan: ProjectPlan, auctions: AgentOutput) -> None:
    other = planned_for(auctions)

    assert plan.estimation.total_hours.p50 != other.estimation.total_hours.p50
    ours, theirs = ({one.name for one in made.activities} for made in (plan, other))
    assert len(ours & theirs) < 0.8 * len(ours | theirs)


async def test_the_agent_plans_and_tells_how_far_it_is(chain: Chain) -> None:
    keys = ("requirements", "application", "infrastructure")
    done = await performed(agent, {key: to_json(one) for key, one in zip(keys, chain, strict=True)}, task_type="plan")

    assert [percent for percent, _ in done.progress] == [10, 90]
    assert from_json(done.output).plan.activities


def test_functions_for_later_are_not_planned(chain: Chain) -> None:
    later = AgentOutput()
    later.CopyFrom(chain[0])
    later.requirements.requirements.add(
        id="REQ-F-900", kind=Requirement.FUNCTIONAL, verb="export", object="report", priority=Requirement.WONT
    )

    assert produce(later, *chain[1:]).plan.estimation.ufp == produce(*chain).plan.estimation.ufp
