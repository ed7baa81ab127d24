"""Finds the elements of a model that a text names.

An element is named by its whole name, in singular or plural and whatever its spelling; by what is left of it without
its number, or without words that every other name has too; or, where nothing else fits, by a name that is nearly the
same. The longest name at a place counts, so "CRM System" is not "CRM".
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from services.agents.change.vocabulary import changes
from services.agents.model.elements import JUNCTIONS
from services.agents.model.graph import Element, Model
from services.agents.naming import singular

_WORD = re.compile(r"[^\W_]+(?:['\N{RIGHT SINGLE QUOTATION MARK}][^\W_]+)*|&")
_ADJACENT = re.compile(r"[ \t]+(?P<word>[^\W_]+)")
_ARTICLES = frozenset({"the", "a", "an", "our", "its", "their", "all"})
_NUMBER = re.compile(r"^(?:\d+\.)+\d*\s+|^(?:[A-Z]{1,4}-?\d+[.:]?)\s+")
_LETTERS_MIN = 3
_COMMON_SHARE = 0.1
"""A word in more than this share of all names says nothing about which one is meant."""
_COMMON_MIN = 5
_NEARLY = 0.86
"""How alike two names of the same number of words must be to be the same, misspelled."""
_WHOLE, _WITHOUT_NUMBER, _SHORT, _MISSPELLED = 1.0, 0.95, 0.8, 0.7


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text, and where it stands."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a text that names one element, or one of several of the same name."""

    start: int
    end: int
    words: int
    candidates: tuple[Element, ...]
    """Best first; more than one where the name does not decide."""
    score: float
    """How well the words fit, from 0 to 1."""

    @property
    def element(self) -> Element:
        """The one that is meant, as far as can be told."""
        return self.candidates[0]


def words_of(text: str) -> tuple[Word, ...]:
    """Return the words of a text in singular and lower case, articles left out."""
    found = (Word(_plain(match.group()), match.start(), match.end()) for match in _WORD.finditer(text))
    return tuple(word for word in found if word.text not in _ARTICLES)


def find(text: str, model: Model) -> tuple[Mention, ...]:
    """Return the places that name elements of the model, in order and without overlap."""
    words = words_of(text)
    names = _names(model)
    found = [one for one in (*_exact(words, names), *_nearly(words, names)) if not _describes(one, text)]
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda one: (-one.words * one.score, one.start)):
        if all(mention.end <= other.start or other.end <= mention.start for other in kept):
            kept.append(_with_type(mention, words))
    return tuple(sorted(kept, key=lambda one: one.start))


def _describes(mention: Mention, text: str) -> bool:
    """Return whether only a part of a name stands here, and before another thing's: a "lending platform" is new."""
    if mention.score > _SHORT:
        return False
    words = changes()
    following = _ADJACENT.match(text, mention.end)
    after = singular(following.group("word").lower()) if following else ""
    if not after or after in words.little | words.instead | words.towards | words.aside:
        return False
    return not any(one.type in words.types.get(after, ()) for one in mention.candidates)


def _plain(word: str) -> str:
    return (
        "and"
        if word == "&"
        else singular(word.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").removesuffix("'s"))
    )


Names = Mapping[tuple[str, ...], tuple[float, tuple[Element, ...]]]


def _names(model: Model) -> Names:
    """Return by the words of each way to name something how well they name it, and what they name."""
    elements = [one for one in model.elements.values() if one.type not in JUNCTIONS and one.name]
    whole = {one.id: tuple(word.text for word in words_of(one.name)) for one in elements}
    common = _common(whole.values())
    found: dict[tuple[str, ...], dict[str, float]] = {}
    for element in elements:
        for score, words in _ways_to_say(element, whole[element.id], common):
            if sum(map(len, words)) >= _LETTERS_MIN:
                scores = found.setdefault(words, {})
                scores[element.id] = max(score, scores.get(element.id, 0))
    return {words: _best(model, scores) for words, scores in found.items()}


def _ways_to_say(
    element: Element, whole: tuple[str, ...], common: frozenset[str]
) -> Iterator[tuple[float, tuple[str, ...]]]:
    yield _WHOLE, whole
    without_number = tuple(word.text for word in words_of(_NUMBER.sub("", element.name)))
    if without_number != whole:
        yield _WITHOUT_NUMBER, without_number
    telling = tuple(word for word in without_number if word not in common)
    if telling and telling != without_number:
        yield _SHORT, telling
    types = changes().types
    if len(telling) > 1 and telling[-1] in types:
        yield _SHORT, telling[:-1]


def _common(names: Collection[tuple[str, ...]]) -> frozenset[str]:
    counts = Counter(word for words in names for word in set(words))
    often = max(_COMMON_MIN, _COMMON_SHARE * len(names))
    return frozenset(word for word, count in counts.items() if count >= often) - changes().types.keys()


def _best(model: Model, scores: Mapping[str, float]) -> tuple[float, tuple[Element, ...]]:
    top = max(scores.values())
    best = [model.elements[one] for one, score in scores.items() if score == top]
    return top, tuple(sorted(best, key=_rank))


def _rank(element: Element) -> int:
    order = changes().meant_first
    return order.index(element.type) if element.type in order else len(order)


def _exact(words: Sequence[Word], names: Names) -> Iterator[Mention]:
    longest = max(map(len, names), default=0)
    for first in range(len(words)):
        for count in range(1, min(longest, len(words) - first) + 1):
            piece = words[first : first + count]
            if (known := names.get(tuple(word.text for word in piece))) is not None:
                score, elements = known
                yield Mention(piece[0].start, piece[-1].end, count, elements, score)


def _nearly(words: Sequence[Word], names: Names) -> Iterator[Mention]:
    """Yield places that name something in nearly the right words; single short words are left to the exact search."""
    by_length: dict[int, list[tuple[str, tuple[float, tuple[Element, ...]]]]] = {}
    for name, known in names.items():
        text = " ".join(name)
        if known[0] >= _WITHOUT_NUMBER and len(text) > 5:
            by_length.setdefault(len(name), []).append((text, known))
    for count, known_names in by_length.items():
        for first in range(len(words) - count + 1):
            piece = words[first : first + count]
            said = " ".join(word.text for word in piece)
            for text, (_, elements) in known_names:
                if text != said and abs(len(text) - len(said)) <= 2 and text[0] == said[0] and _alike(text, said):
                    yield Mention(piece[0].start, piece[-1].end, count, elements, _MISSPELLED)


def _alike(one: str, other: str) -> bool:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    return matcher.real_quick_ratio() >= _NEARLY and matcher.quick_ratio() >= _NEARLY and matcher.ratio() >= _NEARLY


def _with_type(mention: Mention, words: Sequence[Word]) -> Mention:
    """Return the mention with what the word after it says about the type taken into account."""
    after = next((word for word in words if word.start >= mention.end), None)
    before = next((word for word in reversed(words) if word.end <= mention.start), None)
    for word in (after, before):
        wanted = changes().types.get(word.text, ()) if word else ()
        fitting = [one for kind in wanted for one in mention.candidates if one.type == kind]
        if fitting:
            others = () if len(fitting) == 1 else tuple(fitting[1:])
            return Mention(mention.start, mention.end, mention.words, (fitting[0], *others), mention.score)
    return mention
