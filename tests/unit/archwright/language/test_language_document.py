"""Definitions back to documents, and the hash of their content."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from archwright.language.document import content_hash, document
from archwright.language.model import Condition, Definition, ErrorCategory, Priority, RetryPolicy, Step
from archwright.language.parse import parse

TEXT = """
name: claims
steps:
  - {name: review, agent: reviewer, timeout_seconds: 30}
"""


def test_a_hash_is_that_of_the_content_and_not_of_the_writing() -> None:
    same = """
    # a comment, another order, the root, a default written out, JSON
    workflow: {"version": "1.0.0", "steps": [{"timeout_seconds": 30, "agent_type": "reviewer", "name": "review",
      "step_id": "review", "priority": "NORMAL", "retry_policy": {"max_attempts": 3}}], "name": "claims"}
    """

    assert content_hash(parse(same)) == content_hash(parse(TEXT))


def test_any_change_of_the_content_changes_the_hash() -> None:
    texts = [
        TEXT,
        TEXT.replace("30", "31"),
        TEXT.replace("agent: reviewer", "agent: payer"),
        TEXT + "output: {}\n",
        TEXT + "version: 1.0.1\n",
        TEXT + "  - {name: pay, agent: payer}\n",
    ]

    assert len({content_hash(parse(text)) for text in texts}) == len(texts)


def test_the_hash_of_a_definition_never_changes() -> None:
    """Published versions are compared by it, so a change here refuses what was published before."""
    assert content_hash(parse(TEXT)) == "843abcbc944f774fa9aecf03bb73abf86b4fc86710b8b555ebe17c301e783133"


def test_a_document_leaves_out_what_is_at_its_default() -> None:
    assert document(parse(TEXT)) == {
        "name": "claims",
        "version": "1.0.0",
        "steps": [{"name": "review", "agent": "reviewer", "timeout_seconds": 30}],
    }


words = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
templates = st.dictionaries(
    words, st.integers(-9, 9) | st.text(st.characters(codec="ascii", min_codepoint=32), max_size=5)
)
policies = st.builds(
    RetryPolicy,
    max_attempts=st.integers(1, 100),
    base_delay_seconds=st.floats(0, 5),
    max_delay_seconds=st.floats(5, 100),
    exponential_backoff=st.booleans(),
    jitter=st.booleans(),
    retriable_errors=st.frozensets(st.sampled_from(ErrorCategory)),
)


@st.composite
def steps(draw: st.DrawFn) -> Step:
    conditions = tuple(draw(st.lists(st.builds(Condition, words, words), max_size=2)))
    otherwise = draw(st.none() | words) if conditions else None
    return Step(
        name=draw(words),
        agent_type=draw(words),
        capability=draw(st.just("") | words),
        task_type=draw(st.just("") | words),
        input=draw(st.none() | templates),
        input_schema=draw(st.none() | st.booleans() | st.just({"type": "object"})),
        output_schema=draw(st.none() | st.booleans() | st.just({"type": "object"})),
        timeout_seconds=draw(st.integers(1, 9999)),
        queue_timeout_seconds=draw(st.none() | st.integers(1, 9999)),
        retry_policy=draw(policies),
        priority=draw(st.sampled_from(Priority)),
        conditions=conditions,
        otherwise=otherwise,
        next=draw(st.none() | words) if otherwise is None else None,
    )


definitions = st.builds(
    Definition,
    name=words,
    steps=st.lists(steps(), min_size=1, max_size=3).map(tuple),
    version=st.sampled_from(["1.0.0", "0.2.0-rc.1"]),
    description=st.text(st.characters(codec="ascii", min_codepoint=32), max_size=20),
    labels=st.dictionaries(words, words, max_size=2),
    input_schema=st.none() | st.just({"type": "object", "properties": {"a": {}}}),
    timeout_seconds=st.integers(1, 9999),
    max_retries=st.integers(0, 9),
    output=st.none() | templates,
)


@given(definitions)
def test_a_document_is_read_as_the_same_definition(definition: Definition) -> None:
    again = parse(json.dumps(document(definition)))

    assert again == definition
    assert content_hash(again) == content_hash(definition)
