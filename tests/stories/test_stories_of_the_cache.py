"""Outputs that are used again."""

from __future__ import annotations

import pytest
from story import NOON, WORKFLOW_ID, Story, names

from services.engine.domain.commands import StartWorkflow
from services.engine.domain.events import StepCompleted
from services.engine.domain.values import Known, Unread

CACHED = """
name: d
steps:
  - {name: a, agent: x, cache: {key: "${input.topic}", ttl_seconds: 60}}
  - {name: b, agent: x, input: {a: "${steps.a.output}"}}
"""


def asked_for(story: Story) -> list[str]:
    with pytest.raises(Unread) as unread:
        story.start()
    return sorted(unread.value.cache_keys)


def start(story: Story, **cached: object) -> list[str]:
    """Start with what the cache has."""
    story.known = Known().having_read(cached)
    return names(story.start())


def test_a_step_asks_for_what_the_cache_has_before_it_begins() -> None:
    story = Story.of(CACHED, {"topic": "tea"})
    before = story.workflow

    [key] = asked_for(story)

    assert len(key) == 64
    assert story.workflow == before


def test_what_the_cache_has_is_the_steps_output() -> None:
    story = Story.of(CACHED, {"topic": "tea"})
    [key] = asked_for(story)

    assert start(story, **{key: ({"n": 1},)})[2:] == ["StepCompleted a", "TaskCreated b"]

    [done] = [event for event in story.told if isinstance(event, StepCompleted)]
    assert done.source == "cache"
    assert story.inputs == [{"a": {"n": 1}}]


def test_what_it_has_not_is_made_and_kept_for_others() -> None:
    story = Story.of(CACHED, {"topic": "tea"})
    [key] = asked_for(story)
    assert start(story, **{key: ()})[2:] == ["TaskCreated a"]

    story.complete("a", {"n": 2})

    [cached] = story.effects.cached
    assert (cached.key_sha256, cached.step, cached.output, cached.ttl_seconds) == (key, "a", {"n": 2}, 60)


def test_a_key_is_of_its_step_and_of_what_its_author_says() -> None:
    [tea] = asked_for(Story.of(CACHED, {"topic": "tea"}))
    [again] = asked_for(Story.of(CACHED, {"topic": "tea"}))
    [coffee] = asked_for(Story.of(CACHED, {"topic": "coffee"}))
    [other] = asked_for(Story.of(CACHED.replace("name: d", "name: e"), {"topic": "tea"}))

    assert tea == again
    assert len({tea, coffee, other}) == 3


def test_all_that_is_reached_at_once_is_asked_for_at_once() -> None:
    story = Story.of("""
    name: d
    steps:
      - name: each
        foreach:
          items: "[1, 2, 2, 3]"
          as: n
          steps: [{name: a, agent: x, cache: {key: "${n}", ttl_seconds: 60}}]
    """)

    assert len(asked_for(story)) == 3


def test_a_failure_is_not_kept() -> None:
    story = Story.of(CACHED, {"topic": "tea"})
    [key] = asked_for(story)
    start(story, **{key: ()})
    story.fail("a")

    assert not story.effects.cached


def test_what_was_read_is_forgotten_after_the_decision() -> None:
    story = Story.of(CACHED, {"topic": "tea"})
    [key] = asked_for(story)
    story.known = Known().having_read({key: ()})

    decided = story.would(StartWorkflow(NOON, WORKFLOW_ID, story.input, "req", "ann", ""))

    assert not decided.known.cached
