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
  - {name: a, agent: worker, timeout_seconds: 10, retry_policy: {max_attempts: 20}}
  - {name: b, agent: worker, timeout_seconds: 10, retry_policy: {max_attempts: 20}}
  - {name: c, agent: worker, timeout_seconds: 10, retry_policy: {max_attempts: 20}}
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
  - {name: a, agent: worker, retry_policy: {max_attempts: 20}}
  - {name: b, agent: helper, retry_policy: {max_attempts: 20}}
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
)


@cache
def plans() -> Sequence[Plan]:
    """Return the plans of all definitions."""
    return [compile_plan(language.load(source)) for source in SOURCES]
