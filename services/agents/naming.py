"""Names made of words: slugs for ids, snake_case for code and columns, plurals for paths, stems for comparison.

English only and small on purpose: a wrong plural costs a clumsy path, a wrong stem a missed match, and both are the
same on every machine.
"""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[A-Za-z0-9]+")
_IRREGULAR = {
    "person": "people",
    "child": "children",
    "man": "men",
    "woman": "women",
    "analysis": "analyses",
    "diagnosis": "diagnoses",
    "basis": "bases",
    "criterion": "criteria",
    "staff": "staff",
    "data": "data",
    "inventory": "inventories",
    "series": "series",
    "status": "statuses",
    "address": "addresses",
    "stock": "stock",
    "equipment": "equipment",
    "news": "news",
}
_SINGULAR = {plural: singular for singular, plural in _IRREGULAR.items()}
_VOWELS = "aeiou"
_PUNCTUATION = ".,;:!?\"'`)]}"
_ENDINGS = (
    "ications",
    "ication",
    "ations",
    "ation",
    "ments",
    "ment",
    "ings",
    "ing",
    "ies",
    "ied",
    "ers",
    "er",
    "ed",
    "es",
    "s",
    "e",
    "y",
)


def plain(text: str) -> str:
    """Return `text` without accents, in lower case."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()


def words(text: str) -> tuple[str, ...]:
    """Return the words of `text` in lower case, without accents and punctuation."""
    return tuple(_WORD.findall(plain(text)))


def slug(text: str) -> str:
    """Return `text` as words joined by hyphens; `unnamed` when it has none in Latin script."""
    return "-".join(words(text)) or "unnamed"


def snake(text: str) -> str:
    """Return `text` as an identifier, words joined by underscores and beginning with a letter."""
    name = "_".join(words(text)) or "unnamed"
    return name if name[0].isalpha() else f"n_{name}"


def pascal(text: str) -> str:
    """Return `text` as a class name."""
    return "".join(word.capitalize() for word in snake(text).split("_"))


def camel(text: str) -> str:
    """Return `text` as a name in camel case, beginning with a small letter."""
    name = pascal(text)
    return name[:1].lower() + name[1:]


def title(text: str) -> str:
    """Return `text` with a capital at each word; what is already capital stays."""
    return " ".join(word[:1].upper() + word[1:] for word in text.split())


def singular(word: str) -> str:
    """Return an English noun in the singular."""
    if word in _IRREGULAR or len(word) < 4:
        return word
    if word in _SINGULAR:
        return _SINGULAR[word]
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def plural(word: str) -> str:
    """Return an English noun in the plural."""
    if word in _SINGULAR:
        return word
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith("y") and word[-2:-1] not in _VOWELS:
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    return word + "s"


def last_plural(name: str) -> str:
    """Return a name of several words with its last word in the plural: `trouble ticket` → `trouble tickets`."""
    *front, last = name.split() or [""]
    return " ".join((*front, plural(last.rstrip(_PUNCTUATION))))


def stem(word: str) -> str:
    """Return what the forms of a word have in common: `uploads`, `uploaded` and `uploading` are `upload`."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not (ending == "s" and word.endswith("ss")):
            short = word[: -len(ending)]
            doubled = ending in {"ing", "ings", "ed", "er", "ers"} and short[-1] == short[-2] and short[-1] not in "sl"
            return short[:-1] if doubled else short
    return word


def stems(text: str) -> tuple[str, ...]:
    """Return the stems of the words of `text`, in order."""
    return tuple(stem(word) for word in words(text))


def mentions(text_stems: tuple[str, ...], phrase: str) -> bool:
    """Return whether the words of `phrase` stand side by side in a text, in any of their forms."""
    wanted = stems(phrase)
    length = len(wanted)
    return bool(wanted) and any(text_stems[at : at + length] == wanted for at in range(len(text_stems) - length + 1))


def nouns(text: str) -> tuple[str, ...]:
    """Return the words of `text`, each as if it were a noun in the singular."""
    return tuple(singular(word) for word in words(text))


def names(text_nouns: tuple[str, ...], name: str) -> bool:
    """Return whether a text, given as `nouns`, names a thing of this name, in singular or plural."""
    wanted = nouns(name)
    length = len(wanted)
    return bool(wanted) and any(text_nouns[at : at + length] == wanted for at in range(len(text_nouns) - length + 1))
