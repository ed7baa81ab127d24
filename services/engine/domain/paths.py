"""The names of steps while a workflow goes: which body of which element, iteration or branch a step stands in.

A path is a scope, a slash and the step's name; in the root it is the name alone. A scope is the path of the step that
it belongs to with a label behind: `layers.business`, `assess[3]`, `refine[0]/draft.fallback`.
"""

from __future__ import annotations

from archwright.language.model import ForEach, Loop
from archwright.language.plan import ROOT, Body, Plan

ROOT_SCOPE = ""
"""The scope of the definition's own steps."""

FALLBACK = ".fallback"
"""The label of a step's fallback."""

COMPENSATION = ".compensate"
"""The label of a step's compensation."""


def scope_of(path: str) -> str:
    """Return the scope that a step stands in."""
    return path[: path.rfind("/")] if "/" in path else ROOT_SCOPE


def name_of(path: str) -> str:
    """Return the name of a step, as the definition has it."""
    return path[path.rfind("/") + 1 :]


def path_in(scope: str, name: str) -> str:
    """Return the path of a step in a scope."""
    return f"{scope}/{name}" if scope else name


def owner_of(scope: str) -> str:
    """Return the path of the step that a scope belongs to."""
    return scope[: _label_start(scope)]


def label_of(scope: str) -> str:
    """Return what a scope is called behind its owner's path."""
    return scope[_label_start(scope) :]


def outwards(scope: str, depth: int) -> str:
    """Return the scope around this one, or this one itself, that lies so deep; the root lies at 0."""
    if depth == 0:
        return ROOT_SCOPE
    return "/".join(scope.split("/")[:depth])


def number_of(scope: str) -> int:
    """Return which element or iteration a scope is, from 0."""
    return int(scope[scope.rfind("[") + 1 : -1])


def body_of(plan: Plan, scope: str) -> Body:
    """Return the body that a scope goes through."""
    if not scope:
        return plan.bodies[ROOT]
    node, label = plan.node(owner_of(scope)), label_of(scope)
    if label == FALLBACK and node.fallback is not None:
        return plan.bodies[node.fallback]
    if label == COMPENSATION and node.compensation is not None:
        return plan.bodies[node.compensation]
    if isinstance(node.step.kind, ForEach | Loop):
        return plan.bodies[node.bodies[0]]
    return plan.bodies[plan.labels[node.index, label]]


def _label_start(scope: str) -> int:
    last = scope.rfind("/") + 1
    found = [at for at in (scope.find(".", last), scope.find("[", last)) if at >= 0]
    return min(found)
