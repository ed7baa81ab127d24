"""Reads the rules from their file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from services.chassis.rules_file import Problem, read_rules_file
from services.repository.domain.rules import Rules
from services.secret_fields import Reveal


def read_rules(path: Path, reveal: Reveal) -> Rules:
    """Return the rules of a file; raises RulesInvalid."""
    return read_rules_file(path, Rules, _contradictions, context={"reveal": reveal})


def _contradictions(rules: Rules) -> Iterator[Problem]:
    names: set[str] = set()
    places: dict[str, str] = {}
    for index, rule in enumerate(rules.rules):
        if rule.name in names:
            yield Problem(("rules", index, "name"), "is the name of an earlier rule too")
        names.add(rule.name)
        if rule.repository in places and places[rule.repository] != rule.tenant:
            yield Problem(("rules", index, "repository"), f"is that of the tenant {places[rule.repository]!r} already")
        places.setdefault(rule.repository, rule.tenant)
