"""What an expression may read."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from .model import Json

ROOTS = ("input", "steps", "vars", "workflow")
"""The names that always mean the same; every other name is a field of the workflow's input."""

STEP_FIELDS = ("output", "status")
"""What `steps.<name>` has."""

WORKFLOW_FIELDS = ("id", "definition", "version")
"""What `workflow` has."""

NOT_REACHED = "not_reached"
"""The status of a step that has not been done: no path has led to it so far."""


_NOTHING: Mapping[str, Json] = MappingProxyType({})


class Scope(NamedTuple):
    """The values behind the names, at one moment of one workflow.

    A step that is in neither `outputs` nor `statuses` has the output null and the status `not_reached`.
    """

    input: Json
    outputs: Mapping[str, Json] = _NOTHING
    statuses: Mapping[str, str] = _NOTHING
    vars: Mapping[str, Json] = _NOTHING
    workflow: Mapping[str, str] = _NOTHING
    locals: Mapping[str, Json] = _NOTHING
    """What stands for something only in the body at hand, such as the element of a foreach."""
