"""Reads an operator's rules from their file: all of it is right, or every mistake is named with its line.

What a file may say is a pydantic model of the service. Its lists and mappings of named things stand at the top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ValidationError

from archwright.language.tree import Malformed, Node, plain
from archwright.language.tree import Mapping as Entries
from archwright.language.tree import Sequence as Elements
from archwright.language.yaml_text import read_yaml

FILE_BYTES_MAX: Final = 16 << 20
PROBLEMS_MAX: Final = 20

Where: TypeAlias = tuple[str | int, ...]
Rules = TypeVar("Rules", bound=BaseModel)

_PLAINER: Final = {"missing": "is missing", "extra_forbidden": "is no field that is known here"}


class RulesInvalid(ValueError):
    """The rules cannot be used; the message names the file and every mistake."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake, and where it is."""

    where: Where
    says: str


def read_rules_file(
    path: Path,
    kind: type[Rules],
    look: Callable[[Rules], Iterable[Problem]],
    *,
    context: Mapping[str, Any] | None = None,
    place: Callable[[Where], Where] = lambda where: where,
    plainer: Mapping[str, str] | None = None,
) -> Rules:
    """Return the rules of a file; raises RulesInvalid.

    `look` finds what is wrong with rules that are well-formed. `place` turns pydantic's path of a mistake into that of
    the file, and `plainer` says by pydantic's type of a mistake what is better said otherwise.
    """
    tree = _tree(path)
    words = _PLAINER | dict(plainer or {})
    try:
        rules = kind.model_validate(plain(tree), context=dict(context or {}))
    except ValidationError as invalid:
        found = invalid.errors(include_input=False, include_url=False)
        raise _invalid(path, tree, [_problem(each, place, words) for each in found]) from None
    problems = list(look(rules))
    if problems:
        raise _invalid(path, tree, problems)
    return rules


def _tree(path: Path) -> Node:
    try:
        if path.stat().st_size > FILE_BYTES_MAX:
            raise RulesInvalid(f"{path} has {path.stat().st_size} bytes; a file of rules may have {FILE_BYTES_MAX}.")
        return read_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RulesInvalid(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise RulesInvalid(f"{path} is not UTF-8.") from None
    except Malformed as malformed:
        raise RulesInvalid(f"{path}, line {malformed.place.line}: {malformed.description}.") from None


def _problem(found: Any, place: Callable[[Where], Where], plainer: Mapping[str, str]) -> Problem:
    says = plainer.get(found["type"]) or str(found["msg"]).removeprefix("Value error, ")
    return Problem(place(found["loc"]), says)


def _invalid(path: Path, tree: Node, problems: Sequence[Problem]) -> RulesInvalid:
    told = [
        f"{path}, line {_line(tree, problem.where)}: {_told(tree, problem)}." for problem in problems[:PROBLEMS_MAX]
    ]
    if len(problems) > PROBLEMS_MAX:
        told.append(f"There are {len(problems) - PROBLEMS_MAX} mistakes more.")
    return RulesInvalid("\n".join(told))


def _told(tree: Node, problem: Problem) -> str:
    match problem.where:
        case str() as section, int() as index, *field:
            word = section.removesuffix("s")
            written = _at(tree, (section, index, "name"))
            name = plain(written) if written is not None else None
            subject = f"{word} {name!r}" if isinstance(name, str) else f"{word} number {index + 1}"
        case str() as section, str() as name, *field:
            subject = f"{section.removesuffix('s')} {name!r}"
        case _:
            subject, field = "", list(problem.where)
    named = ".".join(str(part) for part in field if part != "[key]").replace("..", ".")
    return " ".join(filter(None, (f"{subject}," if subject and named else subject, named, problem.says)))


def _line(tree: Node, where: Where) -> int:
    """Return the line of what is meant, or of the innermost that is there of what surrounds it."""
    for length in range(len(where), 0, -1):
        found = _at(tree, where[:length])
        if found is not None:
            return found.place.line
    return tree.place.line


def _at(node: Node, where: Where) -> Node | None:
    found: Node | None = node
    for part in where:
        match found, part:
            case Entries(entries=entries), str() if part in entries:
                found = entries[part].node
            case Elements(elements=elements), int() if part < len(elements):
                found = elements[part]
            case _:
                return None
    return found
