"""Reads single values: each is what it must be, or None and a word about what is wrong with it."""

from __future__ import annotations

from enum import StrEnum
from typing import TypeVar

from . import tree
from .findings import Findings
from .shapes import Choice, Form, Number, Text, WholeNumber
from .tree import Leaf, Node
from .vocabulary import did_you_mean

Word = TypeVar("Word", bound=StrEnum)

_SHOWN_MAX = 60


def text(findings: Findings, path: str, node: Node, shape: Text) -> str | None:
    """Read text."""
    match node:
        case Leaf(value=str() as value):
            said = _wrong_text(value, shape)
            if said is None:
                return value
        case _:
            written = f" {node.value}" if isinstance(node, Leaf) and node.value is not None else ""
            example = f", such as {shape.form.example!r}" if shape.form else ""
            said = f"must be text in quotes{example}, but is {tree.kind(node)}{written}"
    findings.object_to(path, node.place, said)
    return None


def number(findings: Findings, path: str, node: Node, shape: Number | WholeNumber) -> float | None:
    """Read a number; integers stay integers."""
    match node:
        case Leaf(value=int() | float() as value) if not isinstance(value, bool):
            if not shape.least <= value <= shape.most:
                said = f"must be from {shape.least:,} to {shape.most:,}, but is {value:,}"
            elif isinstance(shape, WholeNumber) and not isinstance(value, int):
                said = f"must be a whole number, but is {value}"
            else:
                return value
        case _:
            said = f"must be a number, but is {tree.kind(node)}"
    findings.object_to(path, node.place, said)
    return None


def truth(findings: Findings, path: str, node: Node) -> bool | None:
    """Read true or false."""
    match node:
        case Leaf(value=bool() as value):
            return value
    findings.object_to(path, node.place, f"must be true or false, but is {tree.kind(node)}")
    return None


def choice(findings: Findings, path: str, node: Node, kind: type[Word], shape: Choice) -> Word | None:
    """Read one of several words, in whichever case it is written."""
    words = [str(word) for word in shape.among]
    match node:
        case Leaf(value=str() as value):
            word = value.lower() if value.isascii() else value
            if word in words:
                return kind(word)
            if findings.is_full:  # looking for what may have been meant is slow
                return None
            hint = did_you_mean(word, words) or f"; there are: {', '.join(words)}"
            said = f"there is no {shown(value)} here{hint}"
        case _:
            said = f"must be one of {', '.join(words)}, but is {tree.kind(node)}"
    findings.object_to(path, node.place, said)
    return None


def has_form(text: str, form: Form | None) -> bool:
    """Return whether a text is of a form, if there is one."""
    return form is None or form.pattern.fullmatch(text) is not None


def shown(text: str) -> str:
    """Return an author's text in quotes, the beginning of it if it is long."""
    return repr(text[:_SHOWN_MAX])


def _wrong_text(value: str, shape: Text) -> str | None:
    if len(value) > shape.longest:
        return f"has {len(value):,} characters; at most {shape.longest:,} are allowed"
    if shape.form is not None and not has_form(value, shape.form):
        return f"must be {shape.form.words}, such as {shape.form.example!r}, not {shown(value)}"
    return None
