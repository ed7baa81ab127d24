"""Turns the numbers and names of a request into facts: what each is about, by the words around it.

The decision to know: every number becomes exactly one fact. One that no rule claims stays a plain quantity, so
nothing a client wrote is lost and nothing is counted twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

from archwright.agents.v1.model_pb2 import Fact, Source
from services.agents.knowledge.industries import recognise
from services.agents.knowledge.load import table
from services.agents.naming import singular
from services.agents.roles.business_analyst import lexicon, regulations
from services.agents.roles.business_analyst.numbers import read
from services.agents.roles.business_analyst.quantity import Dimension, Reading
from services.agents.roles.business_analyst.sentences import Sentence, blank_markup


@dataclass(frozen=True, slots=True)
class Place:
    """A cloud or a region, and how people write it."""

    id: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Places:
    """The table `places.yaml`."""

    clouds: tuple[Place, ...]
    regions: tuple[Place, ...]


_BUDGET = re.compile(
    r"budget|fund(s|ing)?\b|invest|spend|afford|cost (?:up to|at most|limit|ceiling)|project cost", re.IGNORECASE
)
_NO_BUDGET = re.compile(
    r"(?:claim|order|payment|purchase|invoice|transaction|amount|fee|price|fine|limit|per)\w*\W", re.IGNORECASE
)
_DEADLINE = re.compile(
    r"deadline|go[- ]?live|launch|deliver(?:ed|y of the (?:system|project))|time ?line|ready|"
    r"in production|in use|release|mvp|"
    r"complete[d]?|finish|roll[- ]?out|time frame|timeframe|project duration|must be live|available by|be live|built",
    re.IGNORECASE,
)
_NOT_A_DEADLINE = re.compile(
    r"retention|retain|kept?\b|store[ds]?\b|archiv|per\b|every|each|old|age|last|past|warrant|valid|expire|training|respond|"
    r"notif|response|replacement|within .{0,40}(?:of|after)|after|before (?:the|each|a)\b|notice",
    re.IGNORECASE,
)
_RTO = re.compile(
    r"\brto\b|recovery time|recover(?:ed|s)? (?:with)?in|\bback (?:in service |online |up )?(?:within|in|after)\b|"
    r"back (?:in service|online|up)|restor",
    re.IGNORECASE,
)
_RPO = re.compile(r"\brpo\b|recovery point|data loss|lose (?:no more|at most)|lost", re.IGNORECASE)
_LATENCY = re.compile(
    r"respon|latenc|load|return|display|answer|appear|p9\d|percentile|search|fast|page|render|confirm|turnaround|process|open|"
    r"complete|wait|refresh|shown?|result|calculat|take",
    re.IGNORECASE,
)
_AVAILABLE = re.compile(r"availab|up ?time|nines|in service|service level|sla|of the time|operational", re.IGNORECASE)
_GROWTH = re.compile(r"grow|increas|rise|more (?:each|every|per) year|expan", re.IGNORECASE)
_CONCURRENT = re.compile(r"concurren|simultan|at the same time|in parallel|at once|peak", re.IGNORECASE)
_NEGATED_BUDGET = re.compile(r"budget is not|no (?:serious |real |fixed )?budget", re.IGNORECASE)


FACTS_MAX = 400
"""More numbers than this are a table, not a request."""


def find(text: str, sentences: Sequence[Sentence]) -> tuple[Fact, ...]:
    """Return the facts of a request in the order in which they stand."""
    plain = blank_markup(text)
    names = [*_regulations(text, plain), *_places(text, plain), *_industry(text, plain)]
    taken = tuple((fact.source.span[0], fact.source.span[1]) for fact in names if fact.kind == Fact.REGULATION)
    numbers = [_number(text, plain, reading, sentences) for reading in read(plain, taken)]
    ordered = sorted([*names, *numbers], key=lambda fact: (fact.source.span[0], fact.kind, fact.value))
    for at, fact in enumerate(ordered, 1):
        fact.id = f"FACT-{at:02d}"
    return tuple(ordered[:FACTS_MAX])


def source(text: str, start: int, end: int) -> Source:
    """Return the words of `text` from `start` to `end` with their place."""
    return Source(span=[start, end], quote=text[start:end])


def within(facts: Iterable[Fact], start: int, end: int) -> tuple[Fact, ...]:
    """Return the facts that stand between `start` and `end`."""
    return tuple(fact for fact in facts if start <= fact.source.span[0] and fact.source.span[1] <= end)


def _regulations(text: str, plain: str) -> Iterator[Fact]:
    pattern, ids = regulations.pattern()
    seen: set[str] = set()
    for match in pattern.finditer(plain):
        regulation = ids[match.group().lower()]
        if regulation not in seen:
            seen.add(regulation)
            yield _name(text, Fact.REGULATION, regulation, match.start(), match.end(), "fact.regulation")


@cache
def _place_pattern(group: str) -> tuple[re.Pattern[str], dict[str, str]]:
    places = table("places", Places)
    ids = {term.lower(): place.id for place in getattr(places, group) for term in place.terms}
    names = "|".join(re.escape(term) for term in sorted(ids, key=lambda term: (-len(term), term)))
    return re.compile(rf"(?<![\w-])(?:{names})(?![\w])", re.IGNORECASE), ids


def _places(text: str, plain: str) -> Iterator[Fact]:
    for group, kind in (("clouds", Fact.CLOUD), ("regions", Fact.REGION)):
        pattern, ids = _place_pattern(group)
        seen: set[str] = set()
        for match in pattern.finditer(plain):
            place = ids[match.group().lower()]
            if place not in seen:
                seen.add(place)
                yield _name(text, kind, place, match.start(), match.end(), f"fact.{group}")


def _industry(text: str, plain: str) -> Iterator[Fact]:
    found = recognise(plain)
    if found:
        fact = _name(text, Fact.INDUSTRY, found.industry.id, found.start, found.end, "fact.industry")
        fact.basis = Source.DERIVED
        fact.confidence = found.confidence
        yield fact


def _name(text: str, kind: Fact.Kind.ValueType, value: str, start: int, end: int, rule_id: str) -> Fact:
    return Fact(
        kind=kind,
        value=value,
        op=Fact.EQ,
        source=source(text, start, end),
        basis=Source.EXPLICIT,
        rule_id=rule_id,
        confidence=0.95,
    )


def _number(text: str, plain: str, reading: Reading, sentences: Sequence[Sentence]) -> Fact:
    kind, rule_id, confidence = _kind(plain, reading, sentences)
    op = reading.op
    if op == Fact.EQ and kind in {Fact.BUDGET, Fact.DEADLINE, Fact.LATENCY, Fact.RTO, Fact.RPO}:
        op = Fact.LE
    elif op == Fact.EQ and kind == Fact.AVAILABILITY:
        op = Fact.GE
    fact = Fact(
        kind=kind,
        value=reading.text,
        unit=reading.unit or ("users" if kind in {Fact.USERS, Fact.CONCURRENT_USERS} else ""),
        op=op,
        source=source(text, reading.start, reading.end),
        basis=Source.EXPLICIT if reading.is_literal else Source.ASSUMED,
        rule_id=rule_id,
        confidence=confidence if reading.is_literal else 0.4,
    )
    if reading.value is not None:
        fact.number = float(reading.value)
        if reading.dimension is Dimension.MONEY:
            fact.amount_cents = int((reading.value * 100).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    if reading.high is not None:
        fact.number_high = float(reading.high)
    return fact


def _kind(plain: str, reading: Reading, sentences: Sequence[Sentence]) -> tuple[Fact.Kind.ValueType, str, float]:
    """Return what a reading is about, the rule that says so, and how sure that is."""
    sentence = next((one for one in sentences if one.start <= reading.start < one.end), None)
    first, last = (sentence.start, sentence.end) if sentence else (max(0, reading.start - 80), reading.end + 80)
    around = plain[max(first, reading.start - 70) : min(last, reading.end + 50)]
    is_bare = _stands_alone(plain, reading, first, last)
    match reading.dimension:
        case Dimension.MONEY:
            before = plain[max(first, reading.start - 50) : reading.start]
            if _BUDGET.search(around) or (is_bare and not _NO_BUDGET.search(before)):
                return Fact.BUDGET, "fact.budget", 0.9
        case Dimension.DATE:
            return Fact.DEADLINE, "fact.date", 0.7
        case Dimension.PERCENT:
            if _AVAILABLE.search(around):
                return Fact.AVAILABILITY, "fact.availability", 0.9
            if _GROWTH.search(around):
                return Fact.GROWTH, "fact.growth", 0.8
        case Dimension.SERVICE_TIME:
            return Fact.AVAILABILITY, "fact.service_time", 0.7
        case Dimension.RATE:
            return Fact.TPS, "fact.rate", 0.9
        case Dimension.VOLUME:
            return Fact.DATA_VOLUME, "fact.volume", 0.8
        case Dimension.DURATION:
            return _duration_kind(reading, around, is_bare=is_bare)
        case Dimension.COUNT:
            return _count_kind(reading, around, plain[first : reading.start])
        case Dimension.TIME_OF_DAY:
            pass
    return Fact.QUANTITY, "fact.quantity", 0.6


def _duration_kind(reading: Reading, around: str, *, is_bare: bool) -> tuple[Fact.Kind.ValueType, str, float]:
    if _RTO.search(around) and not _RPO.search(around):
        return Fact.RTO, "fact.rto", 0.9
    if _RPO.search(around) and not _RTO.search(around):
        return Fact.RPO, "fact.rpo", 0.9
    if _RTO.search(around) and _RPO.search(around):
        nearest = _nearest(around, (_RTO, _RPO), reading.text)
        return (Fact.RTO, "fact.rto", 0.7) if nearest == 0 else (Fact.RPO, "fact.rpo", 0.7)
    if reading.unit in {"ms", "seconds"} and _LATENCY.search(around):
        return Fact.LATENCY, "fact.latency", 0.9
    if reading.unit in {"weeks", "months", "years", "days"}:
        if is_bare and not _NOT_A_DEADLINE.search(around):
            return Fact.DEADLINE, "fact.deadline", 0.8
        if _DEADLINE.search(around) and not _NOT_A_DEADLINE.search(around):
            return Fact.DEADLINE, "fact.deadline", 0.85
    return Fact.QUANTITY, "fact.quantity", 0.6


def _count_kind(reading: Reading, around: str, before: str) -> tuple[Fact.Kind.ValueType, str, float]:
    last = (reading.unit.split() or [""])[-1]
    noun = singular(last)
    if noun in lexicon.people().builders:
        return Fact.TEAM, "fact.team", 0.85
    is_people = noun in lexicon.people().people - lexicon.people().groups
    if is_people and re.search(r"\bteam of\s*$", before, re.IGNORECASE):
        return Fact.TEAM, "fact.team", 0.8
    if is_people and _CONCURRENT.search(around):
        return Fact.CONCURRENT_USERS, "fact.concurrent", 0.9
    if is_people:
        return Fact.USERS, "fact.users", 0.9
    if noun == "session" and _CONCURRENT.search(around):
        return Fact.CONCURRENT_USERS, "fact.concurrent", 0.8
    return Fact.QUANTITY, "fact.quantity", 0.6


def _stands_alone(plain: str, reading: Reading, first: int, last: int) -> bool:
    """Return whether a reading is all there is between two commas: people list the frame of a project that way."""
    left = plain[first : reading.start].rpartition(",")[2]
    right = plain[reading.end : last].partition(",")[0]
    words = re.findall(r"[A-Za-z]+", left + " " + right)
    return len(words) <= 2 and not any(lexicon.lemma(word) for word in words)


def _nearest(around: str, patterns: tuple[re.Pattern[str], ...], number: str) -> int:
    at = max(around.find(number), 0)
    distances = [min(abs(match.start() - at) for match in pattern.finditer(around)) for pattern in patterns]
    return distances.index(min(distances))


def denies_budget(text: str) -> bool:
    """Return whether a text says that money is no limit."""
    return bool(_NEGATED_BUDGET.search(text))
