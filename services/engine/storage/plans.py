"""Compiled plans, kept for as long as there is room: compiling takes longer than everything else about a start.

A plan is known by the hash of its content, and says nothing of whose it is, so tenants share them.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import Final

from archwright.language.parse import parse
from archwright.language.plan import Plan
from archwright.language.plan import compile as compile_plan

PLANS_MAX: Final = 2_000
STEPS_MAX: Final = 100_000
"""Of all plans together: it is their steps that take memory, and a definition may have ten thousand."""


class Plans:
    """Plans by content hash; those that nobody asked for the longest are dropped first."""

    def __init__(self, *, plans_max: int = PLANS_MAX, steps_max: int = STEPS_MAX) -> None:
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._steps = 0
        self._plans_max = plans_max
        self._steps_max = steps_max
        # Plans are compiled in threads too, so that a large one holds nobody up.
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._plans)

    def find(self, content_hash: str) -> Plan | None:
        """Return a plan if it is there."""
        with self._lock:
            plan = self._plans.get(content_hash)
            if plan is not None:
                self._plans.move_to_end(content_hash)
            return plan

    def of(self, content_hash: str, source: str) -> Plan:
        """Return the plan of a text that was published: it was checked then, by the rules of that time."""
        return self.find(content_hash) or self.keep(content_hash, compile_plan(parse(source)))

    def keep(self, content_hash: str, plan: Plan) -> Plan:
        """Keep a plan under the hash that it is asked for by, and return the one that is kept."""
        with self._lock:
            if content_hash in self._plans:
                return self._plans[content_hash]
            self._plans[content_hash] = plan
            self._steps += len(plan.nodes)
            # The newest stays, however large.
            while len(self._plans) > 1 and (len(self._plans) > self._plans_max or self._steps > self._steps_max):
                _, dropped = self._plans.popitem(last=False)
                self._steps -= len(dropped.nodes)
            return plan


PLANS: Final = Plans()
"""Those of this process."""
