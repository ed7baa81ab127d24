"""The words of the language: which field may stand where, and which ones a later version will understand.

A word that is planned but not built is refused by name, so that nobody believes it did something.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice

# Comparing is slow, and a text may be made to ask for a great deal of it.
_LETTERS_MAX = 100
_COMPARED_MAX = 300


@dataclass(frozen=True, slots=True)
class Words:
    """The fields of one kind of mapping. `aliases` lead to the name that is used here."""

    owner: str
    known: tuple[str, ...]
    aliases: Mapping[str, str] = field(default_factory=dict)
    later: frozenset[str] = frozenset()


DEFINITION = Words(
    owner="a definition",
    known=(
        "name",
        "version",
        "description",
        "labels",
        "input_schema",
        "timeout_seconds",
        "max_retries",
        "steps",
        "output",
        # The engine knows these better; definitions written out of the seed's dataclass have them.
        "workflow_id",
        "created_at",
        "created_by",
    ),
    later=frozenset({"error_handling", "defaults"}),
)

STEP = Words(
    owner="a step",
    known=(
        "name",
        "step_id",
        "agent",
        "capability",
        "task_type",
        "input",
        "input_schema",
        "output_schema",
        "timeout_seconds",
        "queue_timeout_seconds",
        "retry_policy",
        "priority",
        "conditions",
        "else",
        "next",
        "parallel_execution",
    ),
    aliases={"agent_type": "agent"},
    later=frozenset(
        {
            # kinds of steps, and what belongs to them
            *("parallel", "branches", "join", "on_branch_failure"),
            *("foreach", "items", "as", "body", "max_concurrency", "on_item_failure"),
            *("switch", "cases", "loop", "until", "while", "max_iterations", "steps"),
            *("workflow", "approval", "approvers", "quorum", "expires_after", "on_expiry"),
            *("wait", "signal", "set", "emit", "fail"),
            # fields of every step
            *("depends_on", "when", "labels", "selection", "idle_timeout_seconds", "on_failure", "fallback"),
            *("on_unavailable", "compensate", "cache", "idempotency_key"),
        }
    ),
)

CONDITION = Words(owner="a condition", known=("if", "next", "else"))

RETRY_POLICY = Words(
    owner="a retry_policy",
    known=(
        "max_attempts",
        "base_delay_seconds",
        "max_delay_seconds",
        "exponential_backoff",
        "jitter",
        "retriable_errors",
    ),
)


def objection(word: str, words: Words) -> str:
    """Return what is wrong with a field that is not known here, and what to do about it."""
    if word in words.later:
        return f"{word!r} is not in this version yet; leave it out"
    known = [*words.known, *words.aliases]
    hint = did_you_mean(word, [*known, *words.later])
    return f"there is no field {word!r} in {words.owner}{hint or '; there are: ' + ', '.join(known)}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question that names the nearest of the known words, or nothing when none is near."""
    nearest = difflib.get_close_matches(word.lower()[:_LETTERS_MAX], islice(known, _COMPARED_MAX), n=1, cutoff=0.7)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
