"""How a workflow goes on from a task that waits for a person."""

from __future__ import annotations

import pytest
from story import Story, names

from archwright.errors import InputMismatch, TransitionIllegal
from archwright.language.model import ErrorCategory
from services.engine.domain.commands import RedriveTask
from services.engine.domain.rerunning import reusable
from services.engine.domain.retelling import task_input
from services.engine.domain.values import Unread

CHAIN = """
name: chain
steps:
  - {name: gather, agent: x}
  - name: draft
    agent: writer
    retry_policy: {max_attempts: 2}
    input: {of: "${steps.gather.output.n}"}
    input_schema: {type: object, properties: {of: {type: integer}}}
  - {name: review, agent: x}
"""
BRANCHES = """
name: branches
steps:
  - name: layers
    parallel:
      branches:
        one: [{name: a, agent: x}]
        two: [{name: b, agent: x}]
"""


def failed_chain() -> Story:
    story = Story.begun(CHAIN)
    story.complete("gather", {"n": 1})
    story.fail("draft")
    return story


def test_a_task_that_failed_its_workflow_waits_for_a_person() -> None:
    story = failed_chain()

    [letter] = story.effects.letters
    assert (letter.step, letter.task_id, letter.agent_type) == ("draft", story.task("draft"), "writer")
    assert (letter.category, letter.code, letter.attempts) == (ErrorCategory.PERMANENT, "BROKEN", 1)
    assert letter.created_at == story.now
    assert names(story.told)[letter.seq - 1] == "TaskFailed draft"


@pytest.mark.parametrize("tolerating", ["on_failure: continue", "fallback: {output: {}}, on_failure: fallback"])
def test_a_failure_that_the_definition_can_do_without_waits_for_nobody(tolerating: str) -> None:
    story = Story.begun(f"name: d\nsteps:\n  - {{name: a, agent: x, {tolerating}}}\n")

    story.fail("a")

    assert story.status == "completed"
    assert story.effects.letters == ()


def test_a_failure_that_is_compensated_waits_for_nobody_and_cannot_be_redriven() -> None:
    story = Story.begun(
        """
        name: d
        steps:
          - {name: reserve, agent: x, compensate: {agent: x}}
          - {name: pay, agent: x, on_failure: compensate}
        """
    )
    story.complete("reserve")
    story.fail("pay")
    [undoing] = story.open
    story.complete(undoing)

    assert story.status == "failed"
    assert story.effects.letters == ()
    with pytest.raises(TransitionIllegal, match="rerun it as a new workflow"):
        story.redrive("pay")


def test_a_compensation_that_fails_waits_for_a_person_who_puts_it_right_by_hand() -> None:
    story = Story.begun(
        """
        name: d
        steps:
          - {name: reserve, agent: x, compensate: {agent: stock}}
          - {name: book, agent: x, compensate: {agent: x}}
          - {name: pay, agent: x, on_failure: compensate}
        """
    )
    story.complete("reserve")
    story.complete("book")
    story.fail("pay")
    story.complete("book.compensate/book_compensate")
    story.fail("reserve.compensate/reserve_compensate")

    assert story.status == "failed"
    [letter] = story.effects.letters
    assert (letter.step, letter.agent_type) == ("reserve.compensate/reserve_compensate", "stock")
    with pytest.raises(TransitionIllegal, match="by hand"):
        story.redrive("reserve.compensate/reserve_compensate")


def test_what_fails_in_a_compensation_that_can_do_without_it_waits_for_nobody() -> None:
    story = Story.begun(
        """
        name: d
        steps:
          - {name: reserve, agent: x, compensate: {agent: x, on_failure: continue}}
          - {name: pay, agent: x, on_failure: compensate}
        """
    )
    story.complete("reserve")
    story.fail("pay")
    story.fail("reserve.compensate/reserve_compensate")

    assert story.status == "failed"
    assert story.effects.letters == ()


def test_a_failure_that_is_retried_at_once_waits_for_nobody() -> None:
    story = Story.begun("name: d\nmax_retries: 1\nsteps:\n  - {name: a, agent: x}\n")

    story.fail("a")
    assert story.effects.letters == ()

    story.fail("a")
    assert len(story.effects.letters) == 1


def test_a_redriven_task_begins_anew_and_no_letter_is_left() -> None:
    story = failed_chain()

    assert names(story.redrive("draft")) == ["WorkflowRetried draft", "TaskCreated draft"]

    assert story.effects.redriven is not None
    assert story.effects.redriven.user_id == "ann"
    assert story.inputs == [{"of": 1}]
    story.complete("draft")
    story.complete("review")
    assert story.status == "completed"


def test_a_retry_of_the_workflow_takes_its_letters_along() -> None:
    story = failed_chain()

    story.retry()

    assert story.effects.redriven is not None


def test_an_edited_input_is_what_every_later_attempt_is_given() -> None:
    story = failed_chain()

    [retried, *_] = story.redrive("draft", {"of": 7})

    assert getattr(retried, "input", None) == {"of": 7}
    assert story.inputs == [{"of": 7}]
    assert task_input(story.plan, story.workflow.workflow_id, story.told, story.task("draft")) == {"of": 7}
    story.fail("draft")
    story.retry()
    assert story.inputs == [{"of": 7}]
    story.fail("draft")
    story.redrive("draft", {"of": 8})
    assert story.inputs == [{"of": 8}]
    story.complete("draft", {"text": "…"})
    assert not story.workflow.edited


def test_an_edited_input_has_to_fit_the_step() -> None:
    story = failed_chain()

    with pytest.raises(InputMismatch, match="does not fit the input_schema of step 'draft'") as refused:
        story.redrive("draft", {"of": "seven"})

    assert refused.value.violations[0].field == "input.of"
    assert story.status == "failed"


def test_an_edited_input_passes_the_step_cache_by() -> None:
    story = Story.of('name: d\nsteps:\n  - {name: a, agent: x, cache: {key: "k", ttl_seconds: 60}}\n')
    with pytest.raises(Unread) as asked:
        story.start()
    story.known = story.known.having_read(dict.fromkeys(asked.value.cache_keys, ()))
    story.start()
    story.fail("a")

    assert names(story.redrive("a", {"n": 2})) == ["WorkflowRetried a", "TaskCreated a"]
    story.complete("a")
    assert story.effects.cached == ()


def test_what_was_called_off_beside_it_begins_anew_too() -> None:
    story = Story.begun(BRANCHES)
    story.fail("layers.one/a")

    assert names(story.redrive("layers.one/a")) == [
        "WorkflowRetried layers.one/a",
        "TaskCreated layers.one/a",
        "TaskCreated layers.two/b",
    ]


def test_of_several_that_failed_while_it_was_paused_all_wait_and_redriving_one_begins_all() -> None:
    story = Story.begun(BRANCHES)
    story.pause()
    story.fail("layers.one/a")
    story.fail("layers.two/b")
    assert story.effects.letters == ()

    story.resume()
    assert {letter.step for letter in story.effects.letters} == {"layers.one/a", "layers.two/b"}

    story.redrive("layers.two/b", {"n": 1})
    assert story.inputs == [{}, {"n": 1}]


def test_only_the_task_that_failed_last_can_be_redriven() -> None:
    story = failed_chain()
    first = story.task("draft")
    story.redrive("draft")
    with pytest.raises(TransitionIllegal, match="only what has failed can be retried"):
        story.redrive("draft")
    story.later(1)
    story.fail("draft")

    with pytest.raises(TransitionIllegal, match="it went on since"):
        story.when(RedriveTask(story.now, "draft", first, "ann"))


def test_a_rerun_makes_its_inputs_itself() -> None:
    story = failed_chain()
    story.redrive("draft", {"of": 7})
    story.complete("draft")

    second = Story.of(CHAIN)
    second.start(reused=reusable(story.plan, story.told, "draft"))

    assert second.inputs == [{"of": 1}]
