"""Takes a sentence apart: who acts, how binding it is, what is done to what, and when.

The decision to know: no grammar library. Requirements are written in a few sentence patterns (the EARS patterns,
user stories, plain bullets); each is recognised by its leading words, its modal and the verbs of the lexicon.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from archwright.agents.v1.business_analyst_pb2 import Requirement
from services.agents.naming import singular
from services.agents.roles.business_analyst import lexicon
from services.agents.roles.business_analyst.actions import actions, unknown_verb
from services.agents.roles.business_analyst.clause import Clause
from services.agents.roles.business_analyst.phrases import listed, noun_phrase, without_article
from services.agents.roles.business_analyst.wishes import wished

_STORY = re.compile(
    r"^as (?:an? |the )?(?P<actor>[^,]{2,80}?),? (?:i|we)(?: (?:only|also))?(?:['\u2019]m| am)? ?"
    r"(?P<modal>want|need|would like|would|wish|can|must|should|could|able)"
    r"(?: to)?(?: be able to)?\b(?P<rest>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_RELATIVE = re.compile(r"\s+(?:who|that|which|whose|interested|responsible)\b", re.IGNORECASE)
_BENEFIT = re.compile(
    r",?\s*\b(?:so that|so (?=i\b|we\b|they\b)|in order (?:that|to))\b\s*(?P<benefit>.+)$", re.IGNORECASE | re.DOTALL
)
_LEADING = re.compile(
    r"^(?P<word>whenever|when|while|during|where|if|once|after|before|as soon as|upon|"
    r"until)\b(?P<condition>[^,]{2,200}),\s*(?:then\s+)?",
    re.IGNORECASE,
)
_TRAILING = re.compile(
    r",?\s\b(?P<condition>(?:when|whenever|if|once|as soon as|after|before|while|until|unless)\b.+)$",
    re.IGNORECASE | re.DOTALL,
)
_MODAL = re.compile(
    r"\b(?P<modal>must|shall|should|will|can(?=not)|can|could|may|might|ha(?:s|ve) to|needs? to|"
    r"wants? to|would like to|(?:is|are) (?:able )?to|"
    r"(?:is|are) allowed to|wish(?:es)? to)(?:(?=not)|\b)"
    r"(?P<negation>(?:not|n?'t|\s+not|\s+never)?)\b(?:\s+(?:also|then|now|only|automatically|always|"
    r"easily|each|all)\b)*(?:\s+be (?:able|allowed) to\b)?",
    re.IGNORECASE,
)
_STRICT_MODAL = re.compile(
    r"\b(?:must|shall|should|will|can|cannot|could|may|might|has to|have to|needs? to|müssen|muss|soll|"
    r"sollen|doit|doivent|debe|deben|deve|"
    r"devono|moet|moeten)\b",
    re.IGNORECASE,
)
_BEFORE_MODAL = re.compile(r",? (?:which|that|what|who(?: else)?)$")
_PASSIVE = re.compile(
    r"^\s*(?:be|get)\s+(?P<verb>\w+)(?P<rest>.*?)(?:\s+by\s+(?P<agent>.+))?$", re.IGNORECASE | re.DOTALL
)
_WISH = re.compile(r"^it would be \w+ (?:to (?P<have>have)|to|if)\s+", re.IGNORECASE)
_AND_SOMEBODY = re.compile(
    r",?\s+and\s+(?=(?:the |an? )?[A-Za-z][\w-]*(?: [\w-]+){0,3} (?:can|must|should|shall|may|will|could|"
    r"needs? to|has to|have to|(?:is|are) \w+(?:ed|en|wn|nt|pt|ld|id|de))\b)",
    re.IGNORECASE,
)
_APPROVAL = re.compile(
    r"^(?P<what>.+?)\s+(?:needs?|requires?)\s+(?:the )?approval (?:of|by|from)\s+(?P<who>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_IS_DONE = re.compile(
    r"^(?P<subject>[^,;]{2,80}?)\s+(?:is|are)\s+(?:automatically |then |also |always )?(?P<verb>\w+(?:ed|"
    r"en|wn|nt|pt|ld|id|de))\b(?P<rest>.*)$",
    re.IGNORECASE | re.DOTALL,
)
_ACTOR_WORDS_MAX = 5


def has_modal(text: str) -> bool:
    """Return whether a sentence obliges or allows something, in so many words."""
    return bool(_STRICT_MODAL.search(text))


def read(text: str) -> tuple[Clause, ...]:
    """Return what a sentence says is done, one clause per verb; nothing where no pattern fits."""
    plain = " ".join(text.split()).rstrip(".!? ")
    story = _STORY.match(plain)
    if story:
        return _story(story)
    benefit = _BENEFIT.search(plain)
    main = plain[: benefit.start()] if benefit else plain
    pattern, condition, main = _condition(main)
    main = _WISH.sub(lambda match: "provide " if match.group("have") else "", main)
    found: list[Clause] = []
    for part in _AND_SOMEBODY.split(main):
        found += next(filter(None, (read_as(part) for read_as in _PATTERNS)), ())
    reason = benefit.group("benefit") if benefit else ""
    return tuple(
        replace(one, pattern=pattern, condition=one.condition or condition, benefit=reason)
        for one in _without_pronouns(found)
    )


def _without_pronouns(found: list[Clause]) -> Iterator[Clause]:
    """Yield clauses in which "it" and "them" are what the clause before was about."""
    last = ""
    for one in found:
        clause = replace(one, object=last) if last and one.object.lower() in lexicon.grammar().references else one
        last = clause.object or last
        yield clause


def _needed_approval(text: str) -> tuple[Clause, ...]:
    """Return "decisions above 5,000 need the approval of a manager" as a manager approving decisions."""
    match = _APPROVAL.match(text)
    if not match or not lexicon.is_person(noun_phrase(match.group("who"))):
        return ()
    subject = match.group("what").strip()
    return (
        Clause(
            Requirement.UBIQUITOUS, noun_phrase(match.group("who")), "must", "approve", noun_phrase(subject), subject
        ),
    )


def _passive_present(text: str) -> tuple[Clause, ...]:
    """Return "new claims are assigned to a handler" as claims being assigned."""
    match = _IS_DONE.match(text)
    if not match or not lexicon.lemma(match.group("verb")):
        return ()
    subject = without_article(match.group("subject"))
    return _passive(f"be {match.group('verb')}{match.group('rest')}", subject, "")


def _story(match: re.Match[str]) -> tuple[Clause, ...]:
    rest = match.group("rest")
    benefit = _BENEFIT.search(rest)
    wanted = (rest[: benefit.start()] if benefit else rest).strip()
    actor = _RELATIVE.split(without_article(match.group("actor")), maxsplit=1)[0].strip()
    modal = match.group("modal").lower()
    found = tuple(actions(wanted, actor, modal)) or (unknown_verb(wanted, wanted, actor, modal),)
    reason = benefit.group("benefit") if benefit else ""
    return tuple(replace(one, pattern=Requirement.USER_STORY, benefit=reason) for one in found)


def _condition(text: str) -> tuple[Requirement.EarsPattern.ValueType, str, str]:
    """Return the EARS pattern, the condition, and the sentence without a leading condition."""
    leading = _LEADING.match(text)
    trailing = _TRAILING.search(text)
    if leading:
        word = leading.group("word").lower()
        condition = f"{word}{leading.group('condition')}"
        rest = text[leading.end() :]
        if trailing and trailing.start() > leading.end():
            return Requirement.COMPLEX, f"{condition}; {trailing.group('condition')}", rest
        return _ears(word), condition, rest
    if trailing and has_modal(text[: trailing.start()] + " ") | bool(_present(text[: trailing.start()])):
        condition, more = _cut(trailing.group("condition"))
        return _ears(condition.split()[0].lower()), condition, text[: trailing.start()] + more
    return Requirement.UBIQUITOUS, "", text


def _cut(condition: str) -> tuple[str, str]:
    """Return a condition, and what follows it that is none: "after each visit" and " and attach images"."""
    before, link, after = condition.partition(" and ")
    verb = after.split()[0].lower() if after.split() else ""
    names_a_time = not any(lexicon.lemma(word) for word in before.split()[1:])
    if link and names_a_time and len(after.split()) > 1 and lexicon.lemma(verb) == verb:
        return before, f"{link}{after}"
    return condition, ""


def _ears(word: str) -> Requirement.EarsPattern.ValueType:
    match word:
        case "while" | "during" | "until":
            return Requirement.STATE_DRIVEN
        case "where":
            return Requirement.OPTIONAL_FEATURE
        case "if" | "unless":
            return Requirement.UNWANTED_BEHAVIOUR
        case _:
            return Requirement.EVENT_DRIVEN


def _with_modal(text: str) -> tuple[Clause, ...]:
    match = _MODAL.search(text)
    if not match:
        return ()
    before = text[: match.start()].strip(" ,")
    relative = _BEFORE_MODAL.search(before)
    if relative and (main := _present(before[: relative.start()])):
        # "Professors set criteria, which may include tests": the main verb stands before.
        return main
    if relative and (main := _present(before)):
        # "Doctors approve who may read a report": likewise, and what it is about stands after.
        inner = tuple(actions(text[match.end() :].strip(), "", ""))
        return tuple(replace(one, object=one.object or (inner[0].object if inner else "")) for one in main)
    subject = without_article(before)
    rest = text[match.end() :].strip()
    modal = match.group("modal").lower()
    negated = bool(match.group("negation").strip())
    passive = _passive(rest, subject, modal)
    if passive:
        return tuple(replace(one, is_negated=negated) for one in passive)
    actor = "" if lexicon.is_system(subject) else subject
    found = tuple(actions(rest, actor, modal)) or (unknown_verb(rest, subject, actor, modal),)
    return tuple(replace(one, is_negated=negated) for one in found)


def _passive(rest: str, subject: str, modal: str) -> tuple[Clause, ...]:
    """Return "tickets can be entered by customers" as customers entering tickets."""
    match = _PASSIVE.match(rest)
    if not match or not match.group("verb").lower().endswith(("ed", "en", "wn", "de", "nt", "ld", "pt", "id", "ought")):
        return ()
    verb = lexicon.lemma(match.group("verb")) or match.group("verb").lower()
    subject = re.split(r"\bso\b|\bthat\b|, ", subject)[-1].strip()
    agent = match.group("agent") or ""
    actors = [one for one in listed(agent) if lexicon.is_person(one)] or [""]
    return tuple(
        Clause(
            Requirement.UBIQUITOUS,
            actor,
            modal,
            verb,
            noun_phrase(subject),
            f"{subject}{match.group('rest')}",
            is_passive=not actor,
            tail=match.group("rest"),
        )
        for actor in actors
    )


def _imperative(text: str) -> tuple[Clause, ...]:
    words = text.split()
    if not words:
        return ()
    first = re.sub(r"[^\w-]", "", words[0])
    if lexicon.lemma(first) != first.lower() and not (
        len(words) > 1 and first.lower() in {"eventually", "automatically"}
    ):
        return ()
    body = text if lexicon.lemma(first) == first.lower() else " ".join(words[1:])
    return tuple(actions(body, "", ""))


def _present(text: str) -> tuple[Clause, ...]:
    """Return "customers report a claim" as customers reporting a claim: a known verb after a noun phrase."""
    words = text.split()
    for at in range(1, min(len(words) - 1, _ACTOR_WORDS_MAX + 3)):
        subject = without_article(" ".join(words[:at]))
        word = re.sub(r"[^\w-]", "", words[at]).lower()
        verb = lexicon.lemma(word)
        if not subject or not verb or word.endswith(("ing", "ed")) or "," in words[at - 1]:
            continue
        if any(part.lower() in lexicon.grammar().prepositions for part in subject.split()):
            break
        is_plural = subject.split()[-1].lower().endswith("s") or singular(subject.split()[-1].lower()) == "staff"
        if (word == verb) != is_plural and word == verb:
            continue
        if lexicon.is_person(subject) or lexicon.is_system(subject):
            actor = "" if lexicon.is_system(subject) else subject
            return tuple(actions(" ".join(words[at:]), actor, ""))
        if is_plural and words[at + 1].lower() in lexicon.grammar().prepositions:
            # "Tickets route to the consultant": nobody acts, so the system does it to them.
            # "Stock levels come from the ERP": what comes in is received.
            done = "receive" if verb == "come" else verb
            return (Clause(Requirement.UBIQUITOUS, "", "", done, subject, " ".join(words[at + 1 :])),)
    return ()


_PATTERNS: tuple[Callable[[str], tuple[Clause, ...]], ...] = (
    wished,
    _needed_approval,
    _with_modal,
    _imperative,
    _passive_present,
    _present,
)
"""The ways to read a sentence; the first that fits is taken."""
