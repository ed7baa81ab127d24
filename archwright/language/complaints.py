"""What CEL complains about, told to people.

CEL's messages name its own inner types and end in error codes; these are its words in ours, with what to do about it.
"""

from __future__ import annotations

import re

_COMPLAINT = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*)")
_CODE = re.compile(r"^[A-Z_]+: | ?\[[A-Z_]+\]$")
_ASIDE = re.compile(r" expecting \{.*\}| \(in container ''\)$")
_UNEXPECTED = re.compile(r"(?:mismatched|extraneous|no viable alternative at) input '(.*?)'(?: expecting (.*))?")
_MISSING = re.compile(r"missing '(.*?)' at ")
_UNREADABLE = re.compile(r"token recognition error at: '(.*)'")


def first_complaint(text: str) -> str:
    """Return the first complaint about an expression, with its position, in one line."""
    found = _COMPLAINT.search(text)
    if "recursion depth" in text or "recursion limit" in text:  # of the whole, so its position is none
        return "it is nested too deeply, or its chain of operators is too long"
    if found is None:
        return clean(text.splitlines()[0])
    line, column, message = found.groups()
    said = _told(_ASIDE.sub("", clean(message)).removeprefix("Syntax error: "))
    where = f"character {column}" if line == "1" else f"line {line}, character {column}"
    return f"at {where}: {said}{_mixing(said)}"


def explain(said: str) -> str:
    """Return why an evaluation failed."""
    said = said.replace("int64", "int").replace("<jump_condition>", "the condition of ?: which is not true or false")
    if said.startswith("Key not found in map"):
        return f"{said.replace(' : ', ' ')}; ask with has(…) first"
    return said + _mixing(said)


def clean(text: str) -> str:
    """Return a message without CEL's error codes."""
    return _CODE.sub("", text.strip()).strip().rstrip(".")


def _told(said: str) -> str:
    if unexpected := _UNEXPECTED.match(said):
        word, expected = unexpected.groups()
        told = "it ends too early" if word == "<EOF>" else f"{word!r} is not expected here"
        if word in {"and", "or", "not", "is"}:
            return f"{told}; and, or, not are && || !"
        return f"{told}, but {expected}" if expected and expected != "<EOF>" else told
    if missing := _MISSING.match(said):
        return f"{missing[1]!r} is missing"
    if unreadable := _UNREADABLE.match(said):
        word = unreadable[1].strip()
        return f"{word!r} is not understood" + ("; equality is ==" if word == "=" else "")
    return said


def _mixing(said: str) -> str:
    if "double" in said and re.search(r"\bint\b", said):
        return "; whole and decimal numbers do not mix, so make both double(…)"
    return ""
