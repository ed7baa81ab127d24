"""Text that is safe in XML, and text that fits into a box.

Widths are estimated from classes of letters instead of a font file: good to a few percent for the sans-serif faces that
diagrams use, and the same on every machine.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_ELLIPSIS = "…"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NOT_ID = re.compile(r"[^A-Za-z0-9_.-]+")

_WIDTHS = {
    **dict.fromkeys("iljI.,:;'|!`", 0.27),
    **dict.fromkeys('ftr()[]{}/\\-"*° ', 0.35),
    **dict.fromkeys("mwMW@%—…", 0.88),
    **dict.fromkeys("ABCDEFGHKNOPQRSTUVXYZ&", 0.69),
    **dict.fromkeys("0123456789", 0.56),
}
_WIDTH_OTHERWISE = 0.54
_WIDTH_FULL = 1.0


def xml_text(text: str) -> str:
    """Return `text` with every character that XML 1.0 forbids replaced by U+FFFD."""
    return _NOT_XML.sub("\ufffd", text)


def xml_id(text: str) -> str:
    """Return an XML name made of `text`: ASCII letters, digits, `_`, `.` and `-`, beginning with a letter."""
    slug = _NOT_ID.sub("-", text).strip("-.")
    return slug if slug[:1].isalpha() else f"id-{slug}"


def advance(text: str, size: float) -> float:
    """Return about how wide `text` is in a sans-serif font of `size`, in the same unit."""
    return size * sum(_letter_width(letter) for letter in text)


def wrap(text: str, width: float, size: float, lines_max: int) -> tuple[str, ...]:
    """Return `text` in at most `lines_max` lines no wider than `width`; what does not fit ends in an ellipsis."""
    lines: list[str] = []
    line = ""
    for word in _pieces(text, width, size):
        wider = f"{line} {word}" if line else word
        if advance(wider, size) <= width:
            line = wider
            continue
        lines.append(line)
        line = word
    if line:
        lines.append(line)
    if len(lines) <= lines_max:
        return tuple(lines)
    return (*lines[: lines_max - 1], shorten(f"{lines[lines_max - 1]} {lines[lines_max]}", width, size))


def shorten(text: str, width: float, size: float) -> str:
    """Return `text`, cut and closed by an ellipsis if it is wider than `width`."""
    if advance(text, size) <= width:
        return text
    end = len(text)
    while end > 0 and advance(text[:end].rstrip() + _ELLIPSIS, size) > width:
        end -= 1
    return text[:end].rstrip() + _ELLIPSIS


def _pieces(text: str, width: float, size: float) -> Iterator[str]:
    """Yield the words of `text`; a word wider than a line comes in pieces that are not."""
    for word in text.split():
        rest = word
        while advance(rest, size) > width and len(rest) > 1:
            end = len(rest) - 1
            while end > 1 and advance(rest[:end], size) > width:
                end -= 1
            yield rest[:end]
            rest = rest[end:]
        yield rest


def _letter_width(letter: str) -> float:
    width = _WIDTHS.get(letter)
    if width is not None:
        return width
    if unicodedata.combining(letter):
        return 0.0
    return _WIDTH_FULL if unicodedata.east_asian_width(letter) in "WF" else _WIDTH_OTHERWISE
