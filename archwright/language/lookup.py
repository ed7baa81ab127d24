"""The values behind the names of one expression, and no others.

An expression is handed just the sub-trees that it reads: what it costs does not grow with what it ignores.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from .model import Json
from .scope import NOT_REACHED, Scope
from .syntax import Path

TYPE_NAMES = frozenset({"bool", "bytes", "double", "dyn", "int", "list", "map", "null_type", "string", "type", "uint"})
"""CEL's types, which are names too; an input field of that name goes before them."""


class Branch(dict[str, "Branch | None"]):
    """What is read of a mapping, by key; None where all of it is."""


class Absent(Exception):
    """A path leads nowhere."""


def branches(paths: Iterable[Path]) -> Branch:
    """Return the tree of what these paths read. A list is read as a whole, whatever its index."""
    root = Branch()
    for path in paths:
        at = root
        for position, key in enumerate(path):
            is_last = position == len(path) - 1 or isinstance(path[position + 1], int)
            beneath = at.setdefault(str(key), None if is_last else Branch())
            if is_last or beneath is None:
                at[str(key)] = None
                break
            at = beneath
    return root


def values(reads: Branch, scope: Scope) -> dict[str, Json]:
    """Return the values of all names that are read, cut down to what is read of them."""
    found: dict[str, Json] = {}
    for name, beneath in reads.items():
        is_field = isinstance(scope.input, Mapping) and name in scope.input
        if name in TYPE_NAMES and not is_field and name not in scope.locals:
            continue
        if name == "steps":
            found[name] = {step: _cut(_step(step, scope), below) for step, below in (beneath or Branch()).items()}
        else:
            found[name] = _cut(_named(name, scope), beneath)
    return found


def follow(path: Path, scope: Scope) -> Json:
    """Return the value at a path, as it stands.

    Raises Absent, saying how far the path leads.
    """
    value: Json
    if path[0] == "steps" and len(path) > 1:
        value, position = _step(str(path[1]), scope), 2
    else:
        value, position = _named(str(path[0]), scope), 1
    for key in path[position:]:
        if not _has(value, key):
            raise Absent(f"{shown(path[:position])} is {type_name(value)} and has no {key!r}")
        value = value[key]
        position += 1
    return value


def shown(path: Path) -> str:
    """Return a path as it is written in expressions."""
    text = str(path[0])
    for key in path[1:]:
        text += f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]"
    return text


def type_name(value: Json) -> str:
    """Return what CEL calls the type of a value."""
    match value:
        case None:
            return "null"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "double"
        case str():
            return "string"
        case list():
            return "list"
        case _:
            return "map"


def _named(name: str, scope: Scope) -> Json:
    match name:
        case "input":
            return scope.input
        case "vars":
            return dict(scope.vars)
        case "workflow":
            return dict(scope.workflow)
        case "steps":
            return {step: _step(step, scope) for step in scope.outputs}
        case _ if name in scope.locals:
            return scope.locals[name]
        case _:
            return scope.input.get(name) if isinstance(scope.input, Mapping) else None


def _step(name: str, scope: Scope) -> dict[str, Json]:
    return {"output": scope.outputs.get(name), "status": scope.statuses.get(name, NOT_REACHED)}


def _has(value: Json, key: str | int) -> bool:
    match value:
        case dict():
            return key in value
        case list():
            return isinstance(key, int) and 0 <= key < len(value)
        case _:
            return False


def _cut(value: Json, beneath: Branch | None) -> Json:
    if beneath is None or not isinstance(value, dict):
        return value
    return {key: _cut(value[key], below) for key, below in beneath.items() if key in value}
