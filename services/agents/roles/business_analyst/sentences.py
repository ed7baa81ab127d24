"""Cuts a request into sentences that know where they stand.

The decision to know: nothing here changes the text. Markup is blanked out by spaces of the same
length before cutting, so every offset is an offset into what the client wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from services.agents.roles.business_analyst import lexicon


class Section(StrEnum):
    """Which heading a sentence stands under."""

    BODY = "body"
    REQUIREMENTS = "requirements"
    QUALITY = "quality"
    CONSTRAINTS = "constraints"
    USERS = "users"
    CONTEXT = "context"
    OUT_OF_SCOPE = "out_of_scope"


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of the request: `request[start:end]` is `text`, markup aside."""

    start: int
    end: int
    text: str
    section: Section
    is_bullet: bool


LENGTH_MAX = 2000
"""Characters of one sentence; nobody writes longer ones, and machines should not make us slow."""

_TAG = re.compile(r"<[A-Za-z/!][^<>]{0,300}>")
_BREAKING_TAG = re.compile(r"</?(?:p|br|li|ul|ol|div|h[1-6]|tr|table)\b", re.IGNORECASE)
_CHARACTER_REFERENCE = re.compile(r"&(?:[a-z]{2,8}|#\d{1,6});", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE = re.compile(r"[^\r\n]+")
_BULLET = re.compile(r"[ \t]*(?:[-*•–—‣▪◦]|\(?\d{1,3}[.)]|\(?[a-z][.)])[ \t]+")  # noqa: RUF001 - dashes of any kind
_HEADING_MARK = re.compile(r"[ \t]*#{1,6}[ \t]+")
_LABEL = re.compile(r"(?P<label>[A-Z][^.!?:;,]{1,60}):(?P<rest>[ \t]+.*)?$", re.DOTALL)
_STOP = re.compile(r"[.!?;]+(?=[\s\"')\]]|$)")
_SECTIONS = (
    (Section.OUT_OF_SCOPE, re.compile(r"out of scope|not in scope|exclu", re.IGNORECASE)),
    (
        Section.QUALITY,
        re.compile(r"non-?functional|qualit|service levels?|how (?:well|fast|safe|secure)", re.IGNORECASE),
    ),
    (Section.CONSTRAINTS, re.compile(r"constraint|limits|framework conditions", re.IGNORECASE)),
    (
        Section.REQUIREMENTS,
        re.compile(
            r"requirement|features?|functions?|functional|scope|user stories|what .{0,20}(does|do|need)", re.IGNORECASE
        ),
    ),
    (Section.USERS, re.compile(r"^users?$|audience|actors?|who uses", re.IGNORECASE)),
    (Section.CONTEXT, re.compile(r"context|background|situation|about us|notes?$", re.IGNORECASE)),
)


def blank_markup(text: str) -> str:
    """Return `text` with tags, character references and control characters as spaces; the length stays."""

    def blank(match: re.Match[str]) -> str:
        width = len(match.group())
        return "\n".ljust(width) if _BREAKING_TAG.match(match.group()) else " " * width

    without_tags = _TAG.sub(blank, text)
    return _CONTROL.sub(" ", _CHARACTER_REFERENCE.sub(lambda match: " " * len(match.group()), without_tags))


def split(text: str) -> tuple[Sentence, ...]:
    """Return the sentences of `text` in order; headings and labels name the section and are left out."""
    plain = blank_markup(text)
    found: list[Sentence] = []
    section = Section.BODY
    for start, end in _blocks(plain):
        block = plain[start:end]
        heading = _HEADING_MARK.match(block)
        if heading:
            section = _section(block[heading.end() :]) or Section.BODY
            continue
        bullet = _BULLET.match(block)
        at = start + (bullet.end() if bullet else 0)
        label = _LABEL.match(plain, at, end)
        if label and not (label.group("rest") or "").strip():
            section = _section(label.group("label")) or Section.BODY
            continue
        named = _section(label.group("label")) if label else None
        if label and named:
            at = label.start("rest")
        found.extend(_sentences(plain, at, end, named or section, is_bullet=bullet is not None))
    return tuple(found)


def _blocks(plain: str) -> Iterator[tuple[int, int]]:
    """Yield the ranges of lines; a line that goes on with the sentence before is part of its block."""
    start = end = -1
    for line in _LINE.finditer(plain):
        if not line.group().strip():
            continue
        goes_on = (
            start >= 0
            and plain[end : line.start()].count("\n") == 1
            and plain[end - 1] not in ".:;!?"
            and line.group().lstrip()[0].islower()
            and not _BULLET.match(line.group())
        )
        if goes_on:
            end = line.start() + len(line.group().rstrip())
            continue
        if start >= 0:
            yield start, end
        start, end = line.start(), line.start() + len(line.group().rstrip())
    if start >= 0:
        yield start, end


def _sentences(plain: str, start: int, end: int, section: Section, *, is_bullet: bool) -> Iterator[Sentence]:
    at = start
    stops = [
        stop.end() for stop in _STOP.finditer(plain, start, end) if not _is_abbreviation(plain[start : stop.start()])
    ]
    for until in _bounded(plain, start, [*stops, end]):
        piece = plain[at:until]
        text = piece.strip().rstrip(";")
        if any(character.isalnum() for character in text):
            first = at + len(piece) - len(piece.lstrip())
            yield Sentence(first, first + len(text), text, section, is_bullet)
        at = until


def _bounded(plain: str, start: int, stops: Iterable[int]) -> Iterator[int]:
    """Yield the ends of sentences, with further ones where a sentence would be longer than any people write."""
    at = start
    for stop in stops:
        while stop - at > LENGTH_MAX:
            space = plain.rfind(" ", at + 1, at + LENGTH_MAX)
            at = space if space > at else at + LENGTH_MAX
            yield at
        yield stop
        at = stop


def _is_abbreviation(before: str) -> bool:
    words = before[-12:].lower().split()
    return bool(words) and words[-1].lstrip("(").rstrip(".") in lexicon.grammar().abbreviations


def _section(heading: str) -> Section | None:
    return next((section for section, pattern in _SECTIONS if pattern.search(heading)), None)
