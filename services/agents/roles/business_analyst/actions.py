"""Takes the words after a subject apart, verb by verb: "enter, edit and delete X", "report X and upload Y"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from archwright.agents.v1.business_analyst_pb2 import Requirement
from services.agents.roles.business_analyst import lexicon
from services.agents.roles.business_analyst.clause import Clause
from services.agents.roles.business_analyst.phrases import WORD, first_word, noun_phrase, without_article

_ENABLING = re.compile(
    r"^(?:to )?(?:allow|let|enable|permit|support|help|assist|give|provide|offer|"
    r"remind)s?\s+(?:for\s+)?(?P<who>(?:[\w'/-]+\s+){1,5}?)"
    r"(?:with\s+)?(?:(?:the|an) (?:ability|option|possibility|facility)\s+)?(?:to|in)\s+(?P<what>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_PARTICLES_MAX = 2
"""As in "sign up for an account"."""
_Tokens = list[tuple[str, int, int]]


def actions(rest: str, actor: str, modal: str) -> Iterator[Clause]:
    """Yield one clause per verb of "enter, edit and delete X" and of "report X and upload Y"."""
    enabling = _ENABLING.match(rest)
    if enabling:
        who = without_article(enabling.group("who"))
        what = enabling.group("what")
        lead = lexicon.lemma(first_word(what))
        if lead and (lexicon.is_person(who) or (who.lower() in {"me", "us", "them", "it"} and actor)):
            what = f"{lead}{what.strip()[len(first_word(what)) :]}"
            yield from actions(what, who if lexicon.is_person(who) else actor, modal)
            return
    tokens = [(match.group(), match.start(), match.end()) for match in WORD.finditer(rest)]
    tokens = _without_adverbs(tokens)
    while tokens and lexicon.lemma(tokens[0][0]):
        verbs, tokens = _verb_list(tokens)
        boundary, following = _next_verb(rest, tokens)
        end = boundary if boundary is not None else len(rest)
        tail = rest[tokens[0][1] : end].strip(" ,;") if tokens and tokens[0][1] < end else ""
        for verb in verbs:
            yield Clause(Requirement.UBIQUITOUS, actor, modal, verb, _object(tail), tail)
        tokens = following


def unknown_verb(rest: str, subject: str, actor: str, modal: str) -> Clause:
    """Return the clause of a verb that the lexicon does not know: the first word after the modal."""
    verb = first_word(rest).lower()
    tail = rest[rest.lower().find(verb) + len(verb) :].strip() if verb else ""
    return Clause(Requirement.UBIQUITOUS, actor, modal, verb, noun_phrase(tail) or noun_phrase(subject), tail)


def _without_adverbs(tokens: _Tokens) -> _Tokens:
    at = 0
    while at < len(tokens) and (
        tokens[at][0].lower() in lexicon.grammar().adverbs | {"to", "be", "able"} or _is_adverb(tokens, at)
    ):
        at += 1
    return tokens[at:]


def _is_adverb(tokens: _Tokens, at: int) -> bool:
    """Return whether a word like "permanently" stands before a verb."""
    return (
        tokens[at][0].lower().endswith("ly")
        and at + 1 < len(tokens)
        and not lexicon.lemma(tokens[at][0])
        and lexicon.lemma(tokens[at + 1][0]) is not None
    )


def _verb_list(tokens: _Tokens) -> tuple[list[str], _Tokens]:
    """Return the verbs at the front, as lemmas, and what follows them."""
    first = lexicon.lemma(tokens[0][0]) or tokens[0][0]
    verbs, at = [first], 1
    while at < len(tokens):
        word = tokens[at][0].lower()
        after_link = at + 1 if word in {"and", "or", "and/or"} else at
        if after_link >= len(tokens):
            break
        candidate = lexicon.lemma(tokens[after_link][0])
        is_linked = after_link > at or _comma_before(tokens, at)
        if not candidate or not is_linked or not _takes_object(tokens, after_link):
            break
        verbs.append(candidate)
        at = after_link + 1
    return verbs, tokens[at:]


def _comma_before(tokens: _Tokens, at: int) -> bool:
    return tokens[at][1] - tokens[at - 1][2] > 1


def _takes_object(tokens: _Tokens, at: int) -> bool:
    """Return whether the word at `at` has something after it that it can act on, so that it is a verb and no noun."""
    if at + 1 >= len(tokens):
        return False
    words_of = lexicon.grammar()
    word, following = tokens[at][0].lower(), tokens[at + 1][0].lower()
    if (
        word.endswith("s")
        and lexicon.lemma(word) != word
        and following not in (words_of.determiners | words_of.references) - {"every", "each"}
    ):
        return False
    return following not in words_of.prepositions - {"to", "when"} or following in words_of.determiners


def _next_verb(rest: str, tokens: _Tokens) -> tuple[int | None, _Tokens]:
    """Return where the next "and <verb> …" begins, and the words from that verb on."""
    for at in range(1, len(tokens) - 1):
        word = tokens[at][0].lower()
        if word not in {"and", "then"} and not (word == "or" and "," in rest[tokens[at - 1][2] : tokens[at][1]]):
            continue
        after = at + 1
        while after < len(tokens) and tokens[after][0].lower() in lexicon.grammar().adverbs:
            after += 1
        if (
            after < len(tokens)
            and lexicon.lemma(tokens[after][0])
            and _takes_object(tokens, after)
            and not tokens[after][0].endswith("ing")
        ):
            return tokens[at][1], tokens[after:]
    return None, []


def _object(tail: str) -> str:
    """Return what a verb acts on, also behind a preposition that belongs to it: "search for profiles"."""
    found = noun_phrase(tail)
    for _ in range(_PARTICLES_MAX):
        first, _, tail = tail.partition(" ")
        if found or first.lower() not in lexicon.grammar().prepositions:
            break
        found = noun_phrase(tail)
    return found
