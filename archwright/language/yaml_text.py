"""YAML as a tree: the part of YAML that means the same to everybody.

A plain scalar is null, true, false, a number as JSON writes it, or else text: dates, `yes`, `on` and `007` stay text.
Anchors, aliases, tags and merge keys are refused, as are keys that come twice. Nothing is ever constructed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

import yaml

from .model import Place
from .tree import DEPTH_MAX, Entry, Leaf, Malformed, Mapping, Node, Sequence, number

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUTHS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")

# libyaml's parser is twenty times as fast; a pyyaml built without it has the other one, which does the same.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(text: str) -> Node:
    """Return the tree of the one document in `text`. Raises Malformed."""
    try:
        events = _events(text)
        return _document(events)
    except yaml.MarkedYAMLError as error:
        place = _place(error.problem_mark or error.context_mark)
        raise Malformed(place, f"this is not YAML: {_sentence(error)}") from None


def is_plain_text(text: str) -> bool:
    """Return whether a scalar without quotes would be read as this text, and not as a number or the like."""
    return text not in _NULLS and text not in _TRUTHS and not _NUMBER.fullmatch(text)


def _events(text: str) -> Iterator[yaml.Event]:
    loader = _Loader(text)
    try:
        while loader.check_event():
            # The stubs do not know that events come out of a loader.
            yield cast("yaml.Event", loader.get_event())
    finally:
        loader.dispose()


def _document(events: Iterator[yaml.Event]) -> Node:
    root: Node | None = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if root is not None:
                raise Malformed(_place(event.start_mark), "a second document begins here; a text holds one")
            root = _node(next(events), events, 1)
    if root is None:
        raise Malformed(Place(1, 1), "the text is empty")
    return root


def _node(event: yaml.Event, events: Iterator[yaml.Event], depth: int) -> Node:
    place = _place(event.start_mark)
    if isinstance(event, yaml.AliasEvent):
        raise Malformed(place, f"the alias *{event.anchor} stands here; write its content out instead")
    if not isinstance(event, yaml.ScalarEvent | yaml.SequenceStartEvent | yaml.MappingStartEvent):
        raise Malformed(place, "a value is expected here")
    if event.anchor is not None:
        raise Malformed(place, f"the anchor &{event.anchor} stands here; anchors and aliases are not used")
    if event.tag is not None:
        raise Malformed(place, f"the tag {event.tag} stands here; tags are not used")
    if isinstance(event, yaml.ScalarEvent):
        return Leaf(place, _value(event, place))
    if depth > DEPTH_MAX:
        raise Malformed(place, f"this is nested deeper than {DEPTH_MAX}")
    if isinstance(event, yaml.SequenceStartEvent):
        return _sequence(place, events, depth)
    return _mapping(place, events, depth)


def _sequence(place: Place, events: Iterator[yaml.Event], depth: int) -> Sequence:
    elements: list[Node] = []
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            break
        elements.append(_node(event, events, depth + 1))
    return Sequence(place, tuple(elements))


def _mapping(place: Place, events: Iterator[yaml.Event], depth: int) -> Mapping:
    entries: dict[str, Entry] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        key_place = _place(event.start_mark)
        if not isinstance(event, yaml.ScalarEvent):
            raise Malformed(key_place, "a key must be a word, not a list or a mapping")
        _node(event, events, depth)  # refuses anchors and tags
        key = event.value
        if key == "<<":
            raise Malformed(key_place, "the merge key << stands here; write its content out instead")
        if key in entries:
            first = entries[key].key_place
            raise Malformed(key_place, f"{key!r} comes twice; it is on line {first.line} already")
        entries[key] = Entry(key_place, _node(next(events), events, depth + 1))
    return Mapping(place, entries)


def _value(event: yaml.ScalarEvent, place: Place) -> bool | int | float | str | None:
    text: str = event.value
    if event.style:  # quoted, or a block
        return text
    if is_plain_text(text):
        return text
    if text in _NULLS:
        return None
    return _TRUTHS[text] if text in _TRUTHS else number(text, place)


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1) if mark is not None else Place(0, 0)


def _sentence(error: yaml.MarkedYAMLError) -> str:
    told = [part for part in (error.context, error.problem) if part]
    return ", ".join(told) or "it cannot be read"
