"""Reads the rules from their file: all of it is right, or every mistake is named with its line, and nothing begins.

A template counts as wrong too when it cannot be rendered for an event that its rule tells of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from pydantic import ValidationError

from archwright.language.tree import Malformed, Mapping, Node, plain
from archwright.language.tree import Sequence as Elements
from archwright.language.yaml_text import read_yaml
from services.notifier.composing import problems_of
from services.notifier.domain.channels import Reveal
from services.notifier.domain.rules import Rules

FILE_BYTES_MAX: Final = 16 << 20
PROBLEMS_MAX: Final = 20

Where: TypeAlias = tuple[str | int, ...]

_PLAINER: Final = {
    "missing": "is missing",
    "extra_forbidden": "is no field that is known here",
    "union_tag_not_found": "lacks `kind`: email, slack, teams, webhook or apprise",
}


class RulesInvalid(ValueError):
    """The rules cannot be used; the message names the file and every mistake."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A mistake, and where it is."""

    where: Where
    says: str


def read_rules(path: Path, reveal: Reveal) -> Rules:
    """Return the rules of a file; raises RulesInvalid."""
    tree = _tree(path)
    written = plain(tree)
    try:
        rules = Rules.model_validate(written, context={"reveal": reveal})
    except ValidationError as invalid:
        problems = [_problem(found) for found in invalid.errors(include_input=False, include_url=False)]
        raise _invalid(path, tree, problems) from None
    problems = [*_contradictions(rules), *_bad_templates(rules)]
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


def _problem(found: Any) -> Problem:
    where: Where = found["loc"]
    if where[:1] == ("channels",) and len(where) > 2:
        where = (*where[:2], *where[3:])  # the kind, by which the form was chosen, is no part of the file's path
    says = _PLAINER.get(found["type"]) or str(found["msg"]).removeprefix("Value error, ")
    return Problem(where, says)


def _contradictions(rules: Rules) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, rule in enumerate(rules.rules):
        if rule.name in seen:
            yield Problem(("rules", index, "name"), "is the name of an earlier rule too")
        seen.add(rule.name)
        for place, channel in enumerate(rule.to):
            if channel not in rules.channels:
                there = ", ".join(sorted(rules.channels)) or "none"
                yield Problem(("rules", index, "to", place), f"names no channel {channel!r}; there are: {there}")
            elif channel in rule.to[:place]:
                yield Problem(("rules", index, "to", place), f"names the channel {channel!r} a second time")


def _bad_templates(rules: Rules) -> Iterator[Problem]:
    for index, rule in enumerate(rules.rules):
        for field, says in problems_of(rule):
            yield Problem(("rules", index, "template", field), says)


def _invalid(path: Path, tree: Node, problems: Sequence[Problem]) -> RulesInvalid:
    told = [
        f"{path}, line {_line(tree, problem.where)}: {_told(tree, problem)}." for problem in problems[:PROBLEMS_MAX]
    ]
    if len(problems) > PROBLEMS_MAX:
        told.append(f"There are {len(problems) - PROBLEMS_MAX} mistakes more.")
    return RulesInvalid("\n".join(told))


def _told(tree: Node, problem: Problem) -> str:
    match problem.where:
        case "rules", int() as index, *field:
            rule = _at(tree, ("rules", index, "name"))
            name = plain(rule) if rule is not None else None
            subject = f"rule {name!r}" if isinstance(name, str) else f"rule number {index + 1}"
        case "channels", str() as name, *field:
            subject = f"channel {name!r}"
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
            case Mapping(entries=entries), str() if part in entries:
                found = entries[part].node
            case Elements(elements=elements), int() if part < len(elements):
                found = elements[part]
            case _:
                return None
    return found
