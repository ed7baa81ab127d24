"""JSON as a tree.

JSON is nearly YAML, but a YAML parser trips over its tabs and surrogate pairs; so it has a reader of its own.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from json import JSONDecodeError, loads

from .model import Place
from .tree import DEPTH_MAX, Entry, Leaf, Malformed, Mapping, Node, Sequence, number

_BLANKS = re.compile(r"[ \t\n\r]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_WORD = re.compile(r"[A-Za-z]+")
_WORDS: dict[str, bool | None] = {"null": None, "true": True, "false": False}


def read_json(text: str) -> Node:
    """Return the tree of a JSON text. Raises Malformed."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def read(self) -> Node:
        node = self._node(1)
        if self._peek():
            raise self._malformed("the JSON value is over, but more follows")
        return node

    def _node(self, depth: int) -> Node:
        letter = self._peek()
        place = self._place()
        if letter in "{[" and letter and depth > DEPTH_MAX:
            raise self._malformed(f"this is nested deeper than {DEPTH_MAX}")
        match letter:
            case "{":
                return Mapping(place, self._entries(depth))
            case "[":
                return Sequence(place, self._elements(depth))
            case '"':
                return Leaf(place, self._string())
        if found := _NUMBER.match(self._text, self._at):
            self._at = found.end()
            return Leaf(place, number(found[0], place))
        if (found := _WORD.match(self._text, self._at)) and found[0] in _WORDS:
            self._at = found.end()
            return Leaf(place, _WORDS[found[0]])
        raise self._malformed("a JSON value is expected here")

    def _entries(self, depth: int) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        self._at += 1
        if self._skip("}"):
            return entries
        while True:
            if self._peek() != '"':
                raise self._malformed('a key in "double quotes" is expected here')
            place = self._place()
            key = self._string()
            if key in entries:
                raise Malformed(place, f"{key!r} comes twice; it is on line {entries[key].key_place.line} already")
            if not self._skip(":"):
                raise self._malformed("a colon is expected here")
            entries[key] = Entry(place, self._node(depth + 1))
            if self._skip("}"):
                return entries
            if not self._skip(","):
                raise self._malformed("a comma or } is expected here")

    def _elements(self, depth: int) -> tuple[Node, ...]:
        elements: list[Node] = []
        self._at += 1
        if self._skip("]"):
            return ()
        while True:
            elements.append(self._node(depth + 1))
            if self._skip("]"):
                return tuple(elements)
            if not self._skip(","):
                raise self._malformed("a comma or ] is expected here")

    def _string(self) -> str:
        place = self._place()
        found = _STRING.match(self._text, self._at)
        if found is None:
            raise self._malformed("this text has no closing quote on its line")
        try:
            value = str(loads(found[0]))
            value.encode()
        except JSONDecodeError as error:
            self._at += error.pos
            raise self._malformed("this is no escape that JSON knows") from None
        except UnicodeEncodeError:
            raise Malformed(place, "this text holds half of a surrogate pair, which is no character") from None
        self._at = found.end()
        return value

    def _skip(self, letter: str) -> bool:
        if self._peek() != letter:
            return False
        self._at += 1
        return True

    def _peek(self) -> str:
        """Step over blanks and return the letter that follows; nothing at the end."""
        found = _BLANKS.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _place(self) -> Place:
        line = bisect_right(self._lines, self._at)
        return Place(line, self._at - self._lines[line - 1] + 1)

    def _malformed(self, description: str) -> Malformed:
        return Malformed(self._place(), f"this is not JSON: {description}")
