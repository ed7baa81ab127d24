"""Steps that are done again and again."""

from __future__ import annotations

from story import Story, names

from services.engine.domain.events import StepFailed

REFINE = """
name: d
steps:
  - name: refine
    loop:
      max_iterations: 3
      until: "steps.review.output.good"
      steps:
        - {name: draft, agent: x}
        - {name: review, agent: x, when: "steps.draft.output.done", input: {text: "${steps.draft.output}"}}
  - {name: after, agent: x, input: {got: "${steps.refine.output}", draft: "${steps.draft.output}"}}
"""

COUNT = """
name: d
steps:
  - {name: begin, set: {n: 0}}
  - {name: count, loop: {max_iterations: 10, while: "vars.n < 3", steps: [{name: more, set: {n: "${vars.n + 1}"}}]}}
"""


def test_a_loop_goes_round_until_its_condition_holds_after_an_iteration() -> None:
    story = Story.begun(REFINE)
    story.complete("refine[0]/draft", {"done": True})
    assert names(story.complete("refine[0]/review", {"good": False})) == [
        "TaskCompleted refine[0]/review",
        "ScopeEnded refine[0]",
        "ScopeStarted refine[1]",
        "TaskCreated refine[1]/draft",
    ]

    story.complete("refine[1]/draft", {"done": True, "text": "second"})
    assert names(story.complete("refine[1]/review", {"good": True}))[1:] == [
        "ScopeEnded refine[1]",
        "StepCompleted refine",
        "TaskCreated after",
    ]


def test_outside_of_a_loop_a_name_means_its_last_iteration() -> None:
    story = Story.begun(REFINE)
    story.complete("refine[0]/draft", {"done": True, "text": "first"})
    story.complete("refine[0]/review", {"good": False})
    story.complete("refine[1]/draft", {"done": True, "text": "second"})
    story.complete("refine[1]/review", {"good": True})

    assert story.inputs == [{"got": {"good": True}, "draft": {"done": True, "text": "second"}}]


def test_a_step_that_the_last_iteration_did_not_reach_gives_nothing_outside() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: begin, set: {n: 0}}
      - name: round
        loop:
          max_iterations: 5
          until: "vars.n == 2"
          steps:
            - {name: more, set: {n: "${vars.n + 1}"}, conditions: [{if: "vars.n == 1", next: end}]}
            - {name: once, agent: x}
      - {name: after, agent: x, input: {once: "${steps.once.status}"}}
    """)
    assert story.open == ["round[0]/once"]

    story.complete("round[0]/once", {"first": True})

    assert story.inputs == [{"once": "not_reached"}]


def test_a_loop_goes_round_while_its_condition_holds_before_an_iteration() -> None:
    story = Story.begun(COUNT)

    assert [name for name in names(story.told) if "ScopeStarted" in name] == [
        "ScopeStarted count[0]",
        "ScopeStarted count[1]",
        "ScopeStarted count[2]",
    ]
    assert story.output == {"count": {"n": 3}}


def test_a_loop_whose_condition_never_held_does_nothing() -> None:
    story = Story.begun(COUNT.replace("{n: 0}", "{n: 5}"))

    assert story.output == {"count": None}


def test_a_loop_that_is_not_done_in_time_fails() -> None:
    story = Story.begun(COUNT.replace("max_iterations: 10", "max_iterations: 2"))

    [failed] = [event for event in story.told if isinstance(event, StepFailed)]
    assert failed.code == "LOOP_LIMIT"
    assert failed.message == "Loop 'count' was not done after its max_iterations of 2."
    assert list(story.workflow.scopes) == [""]


def test_a_condition_that_cannot_be_told_fails_the_loop() -> None:
    story = Story.begun(REFINE)
    story.complete("refine[0]/draft", {"done": True})

    assert names(story.complete("refine[0]/review", {}))[1:] == ["StepFailed refine", "WorkflowFailed refine"]


def test_the_state_of_a_loop_does_not_grow_with_its_iterations() -> None:
    story = Story.begun(COUNT.replace("10", "1000").replace("< 3", "< 1000"))

    assert story.output == {"count": {"n": 1000}}
    assert len(story.known.values) < 10


def test_loops_may_hold_loops() -> None:
    story = Story.begun("""
    name: d
    steps:
      - {name: begin, set: {n: 0}}
      - name: outer
        loop:
          max_iterations: 9
          until: "vars.n >= 4"
          steps:
            - name: inner
              loop:
                max_iterations: 2
                until: "steps.more.output.n % 2 == 0"
                steps: [{name: more, set: {n: "${vars.n + 1}"}}]
    """)

    assert story.output == {"outer": {"n": 4}}
    assert [name for name in names(story.told) if name.startswith("ScopeStarted outer[")] == [
        "ScopeStarted outer[0]",
        "ScopeStarted outer[0]/inner[0]",
        "ScopeStarted outer[0]/inner[1]",
        "ScopeStarted outer[1]",
        "ScopeStarted outer[1]/inner[0]",
        "ScopeStarted outer[1]/inner[1]",
    ]
