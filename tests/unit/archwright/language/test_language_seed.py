"""The example from which the project began, as it stands and completed."""

from __future__ import annotations

from archwright.language.check import check, load
from archwright.language.parse import parse
from archwright.language.plan import Scope, compile  # noqa: A004  # the language's word

EXCERPT = """\
workflow:
  name: "architecture_creation"
  steps:
    - name: "requirement_analysis"
      agent: "business_analyst"
      conditions:
        - if: "request_type == 'new_architecture'"
          next: "business_architecture"
        - if: "request_type == 'modification'"
          next: "impact_analysis"
"""

COMPLETED = f"""{EXCERPT}\
    - name: "business_architecture"
      agent: "business_architect"
      next: end
    - name: "impact_analysis"
      agent: "solution_architect"
      next: end
"""


def test_the_excerpt_is_read_as_it_stands_and_lacks_just_its_two_targets() -> None:
    definition = parse(EXCERPT)

    assert [(problem.line, problem.description) for problem in check(definition)] == [
        (8, "there is no step 'business_architecture' in this body"),
        (10, "there is no step 'impact_analysis' in this body"),
    ]


def test_completed_it_may_be_published_and_goes_where_it_says() -> None:
    plan = compile(load(COMPLETED))
    first = plan.nodes[0]

    def target(request_type: str | None) -> str:
        scope = Scope({} if request_type is None else {"request_type": request_type})
        (only,) = first.route(scope)
        return plan.nodes[only].name

    assert target("new_architecture") == "business_architecture"
    assert target("modification") == "impact_analysis"
    assert target("review") == "business_architecture"
    assert target(None) == "business_architecture"
    assert [node.incoming for node in plan.nodes] == [0, 1, 1]
