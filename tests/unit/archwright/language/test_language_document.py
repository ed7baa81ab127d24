"""Definitions back to documents, and the hash of their content."""

from __future__ import annotations

import json

from hypothesis import given
from random_definitions import definitions

from archwright.language.document import content_hash, document
from archwright.language.model import Definition
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


def test_the_hash_of_a_definition_with_every_field_of_the_first_version_never_changes() -> None:
    text = """
    name: claims
    version: 2.1.0
    description: Settles a claim.
    labels: {area: insurance}
    input_schema: {type: object, properties: {amount: {type: number}}}
    timeout_seconds: 7200
    max_retries: 2
    output: {paid: "${steps.pay.output.paid}"}
    steps:
      - {name: review, step_id: R-1, agent: reviewer, capability: claims, task_type: review, priority: high,
         input: {amount: "${amount}"}, input_schema: {type: object}, output_schema: true, timeout_seconds: 30,
         queue_timeout_seconds: 60,
         retry_policy: {max_attempts: 5, base_delay_seconds: 2, max_delay_seconds: 300,
           exponential_backoff: false, jitter: false, retriable_errors: [TRANSIENT, CAPACITY]},
         conditions: [{if: amount > 1000.0, next: pay}], else: end}
      - {name: pay, agent_type: payer, next: end}
    """

    assert content_hash(parse(text)) == "a66736062d701a26fe707ef184d2d0a93c5919539e423228cdb8c6cb8ae6388f"


def test_a_document_leaves_out_what_is_at_its_default() -> None:
    assert document(parse(TEXT)) == {
        "name": "claims",
        "version": "1.0.0",
        "steps": [{"name": "review", "agent": "reviewer", "timeout_seconds": 30}],
    }


@given(definitions)
def test_a_document_is_read_as_the_same_definition(definition: Definition) -> None:
    again = parse(json.dumps(document(definition)))

    assert again == definition
    assert content_hash(again) == content_hash(definition)
