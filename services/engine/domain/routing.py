"""Where a step leads once it has ended."""

from __future__ import annotations

from archwright.language.expressions import ExpressionFailed
from archwright.language.graph import Targets
from archwright.language.model import Json
from archwright.language.plan import Node, Plan
from services.engine.domain.evolve import END
from services.engine.domain.story import Story


def next_after(story: Story, path: str, output: Json, status: str = "completed") -> str:
    """Return, as events tell it, where a step leads that came to `output`. Raises ExpressionFailed."""
    node = story.plan.node(path)
    if not node.routes:
        return ""
    scope = story.scope(path, node)
    seen = scope._replace(
        outputs={**scope.outputs, node.name: output},
        statuses={**scope.statuses, node.name: status},
    )
    return _told(story.plan, node, node.route(seen))


def next_or_order(story: Story, path: str, output: Json, status: str) -> str:
    """Return where a step leads that has failed before: by its conditions if they can do with that, else by order."""
    try:
        return next_after(story, path, output, status)
    except ExpressionFailed:
        return ""


def _told(plan: Plan, node: Node, targets: Targets) -> str:
    if targets == node.otherwise:
        return ""
    return plan.nodes[targets[0]].name if targets else END
