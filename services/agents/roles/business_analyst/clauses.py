"""Takes a sentence apart: who acts, how binding it is, what is done to what, and when.

The decision to know: no grammar library. Requirements are written in a few sentence patterns (the EARS patterns,
user stories, plain bullets); each is recognised by its leading words, its modal and the verbs of the lexicon.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from archwright.agents.v1.business_analyst_pb2 import Requirement
from services.agents.naming import singular
from services.agents.roles.business_analyst import lexicon


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing that a sentence says is done, with offsets into nothing: spans belong to the sentence."""

    pattern: Requirement.EarsPattern.ValueType
    actor: str
    """Who acts, as written; empty where the system does."""
    modal: str
    verb: str
    object: str
    rest: str
    """What follows the verb, as written."""
    condition: str = ""
    benefit: str = ""
    is_negated: bool = False
    is_passive: bool = False


_STORY = re.compile(
    r"^as (?:an? |the )?(?P<actor>[^,]{2,80}?),? (?:i|we) (?:only )?(?P<modal>want|need|would like|wish|"
    r"can|must|should|could)"
    r"(?: to)?(?: be able to)?\b(?P<rest>.+)$",
    re.IGNORECASE | re.DOTALL,
)
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
    r"wants? to|would like to|(?:is|are) able to|"
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
_ENABLING = re.compile(
    r"^(?:to )?(?:allow|let|enable|permit|support|help|assist|give|provide|offer|"
    r"remind)s?\s+(?:for\s+)?(?P<who>(?:[\w'/-]+\s+){1,5}?)"
    r"(?:with\s+)?(?:(?:the|an) (?:ability|option|possibility|facility)\s+)?(?:to|in)\s+(?P<what>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_PASSIVE = re.compile(
    r"^\s*(?:be|get)\s+(?P<verb>\w+)(?P<rest>.*?)(?:\s+by\s+(?P<agent>.+))?$", re.IGNORECASE | re.DOTALL
)
_WISH = re.compile(r"^it would be \w+ (?:to (?P<have>have)|to|if)\s+", re.IGNORECASE)
_AND_SOMEBODY = re.compile(
    r",?\s+and\s+(?=(?:the |an? )?[A-Za-z][\w-]*(?: [\w-]+){0,3} (?:can|must|should|shall|may|will|could|"
    r"needs? to|has to|have to)\b)",
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
_PRONOUN_OBJECTS = frozenset({"it", "them", "this", "these"})
_DETERMINERS = frozenset(
    [
        "a",
        "an",
        "the",
        "all",
        "any",
        "each",
        "every",
        "some",
        "no",
        "my",
        "our",
        "your",
        "his",
        "her",
        "their",
        "its",
        "this",
        "that",
        "these",
        "those",
        "own",
        "either",
        "both",
        "such",
        "only",
        "also",
    ]
)
_PREPOSITIONS = frozenset(
    [
        "to",
        "for",
        "from",
        "with",
        "without",
        "in",
        "on",
        "at",
        "by",
        "into",
        "onto",
        "through",
        "via",
        "about",
        "against",
        "between",
        "during",
        "before",
        "after",
        "under",
        "over",
        "within",
        "when",
        "if",
        "so",
        "as",
        "that",
        "which",
        "who",
        "whose",
        "where",
        "while",
        "based",
        "using",
        "per",
        "because",
        "until",
        "unless",
        "than",
        "up",
        "above",
        "below",
        "out",
        "across",
        "around",
        "along",
        "toward",
        "towards",
        "near",
        "upon",
        "then",
        "involving",
        "including",
        "using",
        "containing",
        "concerning",
        "regarding",
        "is",
        "are",
        "was",
        "were",
        "be",
        "been",
        "has",
        "have",
        "can",
        "must",
        "shall",
        "should",
        "will",
        "may",
        "if",
    ]
)
_ADVERBS = frozenset(
    [
        "also",
        "then",
        "only",
        "automatically",
        "easily",
        "quickly",
        "always",
        "directly",
        "immediately",
        "online",
        "first",
        "not",
        "never",
        "again",
        "together",
        "securely",
    ]
)
_WORD = re.compile(r"[A-Za-zÀ-ÿ0-9][\w'’/-]*")  # noqa: RUF001 - as typed
_ARTICLE_FIRST = re.compile(r"^(?:the|an?|each|every|any|all|our|their|its|your|my)\s+", re.IGNORECASE)
_MODIFIERS = frozenset(
    [
        "registered",
        "authorised",
        "authorized",
        "logged-in",
        "new",
        "existing",
        "potential",
        "individual",
        "other",
        "different",
        "certain",
        "following",
        "current",
        "concurrent",
        "simultaneous",
        "plus",
        "mostly",
        "mainly",
    ]
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
        found += (
            _needed_approval(part) or _with_modal(part) or _imperative(part) or _passive_present(part) or _present(part)
        )
    reason = benefit.group("benefit") if benefit else ""
    return tuple(
        replace(one, pattern=pattern, condition=one.condition or condition, benefit=reason)
        for one in _without_pronouns(found)
    )


def _without_pronouns(found: list[Clause]) -> Iterator[Clause]:
    """Yield clauses in which "it" and "them" are what the clause before was about."""
    last = ""
    for one in found:
        clause = replace(one, object=last) if last and one.object.lower() in _PRONOUN_OBJECTS else one
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
    subject = _ARTICLE_FIRST.sub("", match.group("subject").strip())
    return _passive(f"be {match.group('verb')}{match.group('rest')}", subject, "")


def _story(match: re.Match[str]) -> tuple[Clause, ...]:
    rest = match.group("rest")
    benefit = _BENEFIT.search(rest)
    wanted = (rest[: benefit.start()] if benefit else rest).strip()
    actor = _ARTICLE_FIRST.sub("", match.group("actor")).strip()
    modal = match.group("modal").lower()
    found = tuple(_actions(wanted, actor, modal)) or (_unknown_verb(wanted, wanted, actor, modal),)
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
        return (
            _ears(trailing.group("condition").split()[0].lower()),
            trailing.group("condition"),
            text[: trailing.start()],
        )
    return Requirement.UBIQUITOUS, "", text


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
    relative = re.search(r",? (?:which|that|who)$", before)
    if relative and (main := _present(before[: relative.start()])):
        # "Professors set criteria, which may include tests": the main verb stands before.
        return main
    subject = _ARTICLE_FIRST.sub("", before)
    rest = text[match.end() :].strip()
    modal = match.group("modal").lower()
    negated = bool(match.group("negation").strip())
    passive = _passive(rest, subject, modal)
    if passive:
        return tuple(replace(one, is_negated=negated) for one in passive)
    actor = "" if lexicon.is_system(subject) else subject
    found = tuple(_actions(rest, actor, modal)) or (_unknown_verb(rest, subject, actor, modal),)
    return tuple(replace(one, is_negated=negated) for one in found)


def _unknown_verb(rest: str, subject: str, actor: str, modal: str) -> Clause:
    """Return the clause of a verb that the lexicon does not know: the first word after the modal."""
    verb = _first_word(rest).lower()
    tail = rest[rest.lower().find(verb) + len(verb) :].strip() if verb else ""
    return Clause(Requirement.UBIQUITOUS, actor, modal, verb, noun_phrase(tail) or noun_phrase(subject), tail)


def _passive(rest: str, subject: str, modal: str) -> tuple[Clause, ...]:
    """Return "tickets can be entered by customers" as customers entering tickets."""
    match = _PASSIVE.match(rest)
    if not match or not match.group("verb").lower().endswith(("ed", "en", "wn", "de", "nt", "ld", "pt", "id", "ought")):
        return ()
    verb = lexicon.lemma(match.group("verb")) or match.group("verb").lower()
    subject = re.split(r"\bso\b|\bthat\b|, ", subject)[-1].strip()
    agent = match.group("agent") or ""
    actors = [one for one in _listed(agent) if lexicon.is_person(one)] or [""]
    return tuple(
        Clause(
            Requirement.UBIQUITOUS,
            actor,
            modal,
            verb,
            noun_phrase(subject),
            f"{subject}{match.group('rest')}",
            is_passive=not actor,
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
    return tuple(_actions(body, "", ""))


def _present(text: str) -> tuple[Clause, ...]:
    """Return "customers report a claim" as customers reporting a claim: a known verb after a noun phrase."""
    words = text.split()
    for at in range(1, min(len(words) - 1, _ACTOR_WORDS_MAX + 3)):
        subject = _ARTICLE_FIRST.sub("", " ".join(words[:at])).strip(" ,")
        word = re.sub(r"[^\w-]", "", words[at]).lower()
        verb = lexicon.lemma(word)
        if not subject or not verb or word.endswith(("ing", "ed")) or "," in words[at - 1]:
            continue
        if any(part.lower() in _PREPOSITIONS for part in subject.split()):
            break
        is_plural = subject.split()[-1].lower().endswith("s") or singular(subject.split()[-1].lower()) == "staff"
        if (word == verb) != is_plural and word == verb:
            continue
        if lexicon.is_person(subject) or lexicon.is_system(subject):
            actor = "" if lexicon.is_system(subject) else subject
            return tuple(_actions(" ".join(words[at:]), actor, ""))
        if is_plural and words[at + 1].lower() in _PREPOSITIONS:
            # "Tickets route to the consultant": nobody acts, so the system does it to them.
            # "Stock levels come from the ERP": what comes in is received.
            done = "receive" if verb == "come" else verb
            return (Clause(Requirement.UBIQUITOUS, "", "", done, subject, " ".join(words[at + 1 :])),)
    return ()


def _actions(rest: str, actor: str, modal: str) -> Iterator[Clause]:
    """Yield one clause per verb of "enter, edit and delete X" and of "report X and upload Y"."""
    enabling = _ENABLING.match(rest)
    if enabling:
        who = _ARTICLE_FIRST.sub("", enabling.group("who").strip())
        what = enabling.group("what")
        lead = lexicon.lemma(_first_word(what))
        if lead and (lexicon.is_person(who) or (who.lower() in {"me", "us", "them", "it"} and actor)):
            what = f"{lead}{what.strip()[len(_first_word(what)) :]}"
            yield from _actions(what, who if lexicon.is_person(who) else actor, modal)
            return
    tokens = [(match.group(), match.start(), match.end()) for match in _WORD.finditer(rest)]
    tokens = _without_adverbs(tokens)
    while tokens and lexicon.lemma(tokens[0][0]):
        verbs, tokens = _verb_list(tokens)
        boundary, following = _next_verb(rest, tokens)
        end = boundary if boundary is not None else len(rest)
        tail = rest[tokens[0][1] : end].strip(" ,;") if tokens and tokens[0][1] < end else ""
        for verb in verbs:
            yield Clause(Requirement.UBIQUITOUS, actor, modal, verb, _object(tail), tail)
        tokens = following


_Tokens = list[tuple[str, int, int]]


def _without_adverbs(tokens: _Tokens) -> _Tokens:
    at = 0
    while at < len(tokens) and tokens[at][0].lower() in _ADVERBS | {"to", "be", "able"}:
        at += 1
    return tokens[at:]


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
    word, following = tokens[at][0].lower(), tokens[at + 1][0].lower()
    if (
        word.endswith("s")
        and lexicon.lemma(word) != word
        and following not in (_DETERMINERS | _PRONOUN_OBJECTS) - {"every", "each"}
    ):
        return False
    return following not in _PREPOSITIONS - {"to", "when"} or following in _DETERMINERS


def _next_verb(rest: str, tokens: _Tokens) -> tuple[int | None, _Tokens]:
    """Return where the next "and <verb> …" begins, and the words from that verb on."""
    for at in range(1, len(tokens) - 1):
        word = tokens[at][0].lower()
        if word not in {"and", "then"} and not (word == "or" and "," in rest[tokens[at - 1][2] : tokens[at][1]]):
            continue
        after = at + 1
        while after < len(tokens) and tokens[after][0].lower() in _ADVERBS:
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
    first, _, following = tail.partition(" ")
    return noun_phrase(tail) or (noun_phrase(following) if first.lower() in _PREPOSITIONS else "")


def noun_phrase(text: str) -> str:
    """Return the noun phrase at the front of `text` without determiners, up to the first preposition except "of"."""
    kept: list[str] = []
    end = 0
    for match in _WORD.finditer(text):
        word = match.group().lower()
        if kept and re.search(r"[,;:()]", text[end : match.start()]):
            break
        if word[0].isdigit() or word in _PREPOSITIONS or (word in {"and", "or"} and kept and kept[-1] == "of"):
            break
        end = match.end()
        if word in _DETERMINERS and kept and kept[-1].lower() not in {"and", "or", "of"}:
            break
        if word in _DETERMINERS or word in _ADVERBS:
            continue
        kept.append(match.group())
    while kept and kept[-1].lower() in {"and", "or", "of"}:
        kept.pop()
    return " ".join(kept)


def actors_of(phrase: str) -> tuple[str, ...]:
    """Return the people that a subject names: "either receptionists, staff or customers" are three."""
    return tuple(one for one in _listed(phrase) if lexicon.is_person(one))


def _listed(phrase: str) -> list[str]:
    pieces = re.split(r",|\band\b|\bor\b|\beither\b|\bboth\b|/|\(", phrase)
    found = []
    for piece in pieces:
        words = [word for word in _WORD.findall(piece) if word.lower() not in _DETERMINERS | _MODIFIERS | _ADVERBS]
        until = next((at for at, word in enumerate(words) if word.lower() in _PREPOSITIONS), len(words))
        if words[:until]:
            found.append(" ".join(words[:until]))
    return found


def _first_word(text: str) -> str:
    match = _WORD.search(text)
    return match.group() if match else ""
