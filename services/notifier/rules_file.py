"""Reads the rules from their file. A template counts as wrong when it cannot be rendered for an event of its rule."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from services.chassis.rules_file import Problem, RulesInvalid, Where, read_rules_file
from services.notifier.composing import problems_of
from services.notifier.domain.rules import Rules
from services.secret_fields import Reveal

__all__ = ["RulesInvalid", "read_rules"]

_PLAINER: Final = {"union_tag_not_found": "lacks `kind`: email, slack, teams, webhook or apprise"}


def read_rules(path: Path, reveal: Reveal) -> Rules:
    """Return the rules of a file; raises RulesInvalid."""
    return read_rules_file(path, Rules, _problems, context={"reveal": reveal}, place=_place, plainer=_PLAINER)


def _place(where: Where) -> Where:
    if where[:1] == ("channels",) and len(where) > 2:
        return (*where[:2], *where[3:])  # the kind, by which the form was chosen, is no part of the file's path
    return where


def _problems(rules: Rules) -> Iterator[Problem]:
    yield from _contradictions(rules)
    yield from _bad_templates(rules)


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
