"""What others have written, made fit for a terminal: it moves no cursor, changes no colour and hides nothing."""

from __future__ import annotations

_KEPT = frozenset("\n\t")


def printable(text: str) -> str:
    """Return the text with a replacement for every character that a terminal would obey instead of showing."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in _KEPT else "\N{REPLACEMENT CHARACTER}" for each in text)
