"""The workflows that are run under faults, and how each of them may end."""

from __future__ import annotations

from dataclasses import dataclass

COMPLETED, FAILED, CANCELLED = "COMPLETED", "FAILED", "CANCELLED"

_PATIENT = "retry_policy: {max_attempts: 60, base_delay_seconds: 0.2, max_delay_seconds: 1}"
_LIE = "  - {{name: a, agent: liar, input: {{lie: {}}}}}\n  - {{name: b, agent: worker}}\n"


@dataclass(frozen=True, slots=True)
class Kind:
    """A definition, how often it is started among the others, and how it ends where nobody cancels it."""

    name: str
    weight: int
    steps: str
    ends: str = COMPLETED
    signal: str = ""
    """What it waits to be told."""

    @property
    def source(self) -> str:
        """Its definition."""
        return f"name: {self.name}\ndefaults:\n  {_PATIENT}\nsteps:\n{self.steps}"


KINDS = (
    Kind(
        "chain",
        8,
        """
  - {name: a, agent: worker, input: {echo: "${given}"}}
  - {name: b, agent: worker, input: {echo: "${steps.a.output.echo}", seconds: 0.1}}
  - {name: c, agent: worker, input: {echo: "${steps.b.output.echo}"}}
  - {name: d, agent: worker, input: {echo: "${steps.c.output.echo}"}}
""",
    ),
    Kind(
        "wide",
        3,
        """
  - name: each
    foreach:
      items: "[1, 2, 3, 4, 5, 6]"
      as: n
      max_concurrency: 3
      steps: [{name: a, agent: worker, input: {echo: "${n}"}}]
  - {name: b, agent: worker}
""",
    ),
    Kind("long", 3, "  - {name: a, agent: worker, input: {seconds: 4}}\n"),
    Kind("retrying", 2, "  - {name: a, agent: worker, input: {transient_failures: 2}}\n"),
    Kind(
        "patient",
        2,
        """
  - {name: a, agent: worker}
  - {name: pause, wait: {seconds: 1}}
  - {name: b, agent: worker}
""",
    ),
    Kind("told", 2, "  - {name: word, wait: {signal: go}}\n  - {name: a, agent: worker}\n", signal="go"),
    Kind(
        "parent",
        2,
        """
  - {name: child, workflow: chain, input: {given: "${given}"}}
  - {name: a, agent: worker}
""",
    ),
    Kind("refused", 1, "  - {name: a, agent: worker, input: {refuse: true}}\n", ends=FAILED),
    Kind(
        "poison",
        1,
        """
  - name: a
    agent: fragile
    input: {crash: true}
    retry_policy: {max_attempts: 2, base_delay_seconds: 0.1}
""",
        ends=FAILED,
    ),
    Kind("pulled", 2, "  - {name: a, agent: puller}\n  - {name: b, agent: puller}\n"),
    *(
        Kind(
            f"lie_{lie}",
            3 if lie == "tardy" else 1,
            _LIE.format(lie),
        )
        for lie in ("twice", "wrong_fence", "late", "reordered", "ignored", "unaccepted", "tardy")
    ),
)
