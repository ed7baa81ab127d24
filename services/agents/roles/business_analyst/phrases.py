"""Reads noun phrases: what a thing is called, and who is named in an enumeration."""

from __future__ import annotations

import re

from services.agents.roles.business_analyst import lexicon

WORD = re.compile(r"[A-Za-zÀ-ÿ0-9][\w'’/-]*")  # noqa: RUF001 - as typed
_ARTICLE = re.compile(r"^(?:the|an?|each|every|any|all|our|their|its|your|my)\s+", re.IGNORECASE)


def noun_phrase(text: str) -> str:
    """Return the noun phrase at the front of `text` without determiners, up to the first preposition except "of"."""
    words_of = lexicon.grammar()
    kept: list[str] = []
    end = 0
    for match in WORD.finditer(text):
        word = match.group().lower()
        if kept and re.search(r"[,;:()]", text[end : match.start()]):
            break
        if kept and (word in words_of.subjects or (word.endswith("ly") and word not in words_of.nouns_in_ly)):
            break
        if word[0].isdigit() or word in words_of.prepositions or (word in {"and", "or"} and kept and kept[-1] == "of"):
            break
        end = match.end()
        if word in words_of.determiners and kept and kept[-1].lower() not in {"and", "or", "of"}:
            break
        if word in words_of.determiners or word in words_of.adverbs:
            continue
        kept.append(match.group())
    while kept and kept[-1].lower() in {"and", "or", "of"}:
        kept.pop()
    return " ".join(kept)


def actors_of(phrase: str) -> tuple[str, ...]:
    """Return the people that a subject names: "either receptionists, staff or customers" are three."""
    return tuple(one for one in listed(phrase) if lexicon.is_person(one))


def listed(phrase: str) -> list[str]:
    """Return the noun phrases of an enumeration, without the words that only point at them."""
    words_of = lexicon.grammar()
    skipped = words_of.determiners | words_of.modifiers | words_of.adverbs
    pieces = re.split(r",|\band\b|\bor\b|\beither\b|\bboth\b|/|\(", phrase)
    found = []
    for piece in pieces:
        words = [word for word in WORD.findall(piece) if word.lower() not in skipped]
        until = next((at for at, word in enumerate(words) if word.lower() in words_of.prepositions), len(words))
        if words[:until]:
            found.append(" ".join(words[:until]))
    return found


def first_word(text: str) -> str:
    """Return the first word of `text`; empty where there is none."""
    match = WORD.search(text)
    return match.group() if match else ""


def without_article(phrase: str) -> str:
    """Return a phrase without the article at its front."""
    return _ARTICLE.sub("", phrase.strip(" ,"))
