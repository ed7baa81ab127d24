"""What an expression may read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from .model import Json

ROOTS = ("input", "steps", "vars", "workflow")
"""The names that always mean the same; every other name is a field of the workflow's input."""

STEP_FIELDS = ("output", "status")
"""What `steps.<name>` has."""

WORKFLOW_FIELDS = ("id", "definition", "version")
"""What `workflow` has."""

NOT_REACHED = "not_reached"
"""The status of a step that has not been done: no path has led to it so far."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The values behind the names, at one moment of one workflow.

    A step that is in neither `outputs` nor `statuses` has the output null and the status `not_reached`.
    """

    input: Json
    outputs: Mapping[str, Json] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)
    vars: Mapping[str, Json] = field(default_factory=dict)
    workflow: Mapping[str, str] = field(default_factory=dict)
    locals: Mapping[str, Json] = field(default_factory=dict)
    """What stands for something only in the body at hand, such as the element of a foreach."""
