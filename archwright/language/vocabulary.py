"""How to talk about words: what is wrong with one that is not known, and which one may have been meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from itertools import islice

from .shapes import Words

# Comparing is slow, and a text may be made to ask for a great deal of it.
_LETTERS_MAX = 100
_COMPARED_MAX = 300


def objection(word: str, words: Words) -> str:
    """Return what is wrong with a field that is not known here, and what to do about it."""
    if word in words.elsewhere:
        return f"{word!r} {words.elsewhere[word]}"
    known = [*words.known, *words.aliases]
    hint = did_you_mean(word, known) or did_you_mean(word, words.elsewhere)
    return f"there is no field {word!r} in {words.owner}{hint or '; there are: ' + ', '.join(known)}"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a question that names the nearest of the known words, or nothing when none is near."""
    nearest = difflib.get_close_matches(word.lower()[:_LETTERS_MAX], islice(known, _COMPARED_MAX), n=1, cutoff=0.7)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
