"""What the workflows of the simulation do: a pool that every schedule draws from.

Agents never answer tasks with a short time-out only, so all of these end.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from archwright import language
from archwright.language.plan import Plan
from archwright.language.plan import compile as compile_plan

SOURCES: Sequence[str] = (
    """
name: chain
steps:
  - {name: a, agent: worker, timeout_seconds: 10, retry_policy: {max_attempts: 20, base_delay_seconds: 0.4}}
  - {name: b, agent: worker, timeout_seconds: 10, retry_policy: {max_attempts: 20, base_delay_seconds: 0.4}}
  - {name: c, agent: worker, timeout_seconds: 10, retry_policy: {max_attempts: 20, base_delay_seconds: 0.4}}
""",
    """
name: diamond
steps:
  - {name: a, agent: worker, timeout_seconds: 8}
  - {name: left, agent: worker, timeout_seconds: 8, depends_on: [a], priority: high}
  - {name: right, agent: helper, timeout_seconds: 8, depends_on: [a]}
  - {name: join, agent: worker, timeout_seconds: 8, depends_on: [left, right]}
""",
    """
name: choice
max_retries: 1
steps:
  - name: ask
    agent: worker
    timeout_seconds: 5
    queue_timeout_seconds: 20
    conditions: [{if: "steps.ask.output.n > 4", next: much}]
    else: little
  - {name: little, agent: worker, timeout_seconds: 5, next: end}
  - {name: much, agent: helper, timeout_seconds: 5}
""",
    """
name: patient
steps:
  - {name: a, agent: worker, retry_policy: {max_attempts: 20, base_delay_seconds: 0.4}}
  - {name: b, agent: helper, retry_policy: {max_attempts: 20, base_delay_seconds: 0.4}}
""",
    """
name: short
timeout_seconds: 6
steps:
  - {name: a, agent: worker}
  - {name: b, agent: helper}
""",
    """
name: hasty
steps:
  - name: a
    agent: worker
    timeout_seconds: 3
    retry_policy: {max_attempts: 4, base_delay_seconds: 0.5, max_delay_seconds: 2}
  - {name: b, agent: worker, timeout_seconds: 9, retry_policy: {max_attempts: 1}}
""",
    """
name: fan
steps:
  - {name: a, agent: worker, timeout_seconds: 8}
  - name: layers
    parallel:
      join: any
      branches:
        left: [{name: l1, agent: worker, timeout_seconds: 8}, {name: l2, agent: helper, timeout_seconds: 8}]
        right: [{name: r1, agent: helper, timeout_seconds: 8}]
        third: [{name: t1, wait: {seconds: 2}}]
  - {name: b, agent: worker, timeout_seconds: 8}
""",
    """
name: both
steps:
  - name: layers
    parallel:
      on_branch_failure: continue
      branches:
        left: [{name: l1, agent: worker, timeout_seconds: 6}]
        right: [{name: r1, fail: {category: business, message: it cannot be}}]
""",
    """
name: many
steps:
  - name: assess
    foreach:
      items: "[1, 2, 3, 4, 5]"
      as: part
      max_concurrency: 2
      on_item_failure: continue
      steps:
        - {name: look, agent: worker, timeout_seconds: 6}
        - {name: check, agent: helper, timeout_seconds: 6, when: "steps.look.output.n > 4"}
  - {name: sum, set: {count: "${size(steps.assess.output)}"}}
  - {name: b, agent: worker, timeout_seconds: 6}
""",
    """
name: again
steps:
  - name: refine
    on_failure: continue
    loop:
      max_iterations: 3
      until: steps.draft.output.n > 6
      steps:
        - {name: draft, agent: worker, timeout_seconds: 6}
  - name: route
    switch:
      cases: [{if: "number > 2", steps: [{name: much, agent: worker, timeout_seconds: 6}]}]
      else: [{name: rest, wait: {seconds: 1}}, {name: little, agent: helper, timeout_seconds: 6}]
""",
    """
name: people
steps:
  - {name: a, agent: worker, timeout_seconds: 6}
  - name: agree
    approval:
      approvers: ["role:boss", "user:bob"]
      quorum: 2
      expires_after_seconds: 20
      on_expiry: escalate
      escalate_to: ["user:eve"]
    on_failure: continue
  - {name: word, wait: {signal: go, timeout_seconds: 30}, on_failure: continue}
  - {name: told, emit: {type: agreed, payload: {"yes": true}}}
""",
    """
name: family
steps:
  - {name: child, workflow: chain, on_failure: continue}
  - {name: other, workflow: hasty, input: {number: "${number}"}, on_failure: continue}
""",
    """
name: careful
error_handling: {on_failure: compensate}
steps:
  - {name: book, agent: worker, timeout_seconds: 6, compensate: {name: unbook, agent: worker, timeout_seconds: 6}}
  - {name: pay, agent: helper, timeout_seconds: 6, compensate: {name: refund, agent: helper, timeout_seconds: 6}}
  - {name: odd, when: "steps.pay.output.n < 5", fail: {category: business, message: odd}}
""",
    """
name: spare
steps:
  - name: a
    agent: worker
    timeout_seconds: 6
    retry_policy: {max_attempts: 1}
    fallback: {name: plan_b, agent: helper, timeout_seconds: 6}
  - {name: b, agent: worker, timeout_seconds: 6, cache: {key: "${number % 2}", ttl_seconds: 60}}
  - name: c
    capability: magic@^2.0
    on_unavailable: skip
    timeout_seconds: 6
  - name: d
    agent: worker
    timeout_seconds: 6
    output_schema: {type: object, properties: {n: {maximum: 7}}}
    on_failure: continue
""",
)


@cache
def plans() -> Sequence[Plan]:
    """Return the plans of all definitions."""
    return [compile_plan(language.load(source)) for source in SOURCES]
