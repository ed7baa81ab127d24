"""The second layer: every id that an output refers to exists, and none is given twice.

Which fields refer is read off the contract: those that end in `_id` or `_ids`, and a few more. So a deliverable that
grows is checked without a word here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.draft import element_id
from services.agents.validation.given import Given, wrong

ALSO_REFER = frozenset({"owns_entities", "parent", "from_id", "to_id"})
NOT_IDS = frozenset({"rule_id", "request_id", "tactic_ids", "deliverable_ids"})
"""Names of rules and of the request, which are no items of a deliverable."""
_NAMES = ("name", "role")
"""What items without an id are referred to by."""
_TEST = "::"


def check(output: AgentOutput, given: Given) -> Iterator[Finding]:
    """Yield every id that nothing has, and every one that two items of a list have."""
    known = {own for one in (output, *given.earlier.values()) for own in _ids(one)}
    known |= {element_id(own) for own in known}
    for place, reference in _references(output):
        if reference not in known and element_id(reference) not in known and _TEST not in reference:
            yield wrong("ID_UNKNOWN", f"{place} refers to {reference!r}, which does not exist.", reference)
    for place, own in _repeated(output):
        yield wrong("ID_REPEATED", f"{place} has two items with the id {own!r}.", own)


def _ids(message: Message) -> Iterator[str]:
    names = _NAMES if "id" not in message.DESCRIPTOR.fields_by_name else ("id",)
    for field, value in message.ListFields():
        if field.name in names and not field.is_repeated:
            yield value
        for inner in _inner(field, value):
            yield from _ids(inner)


def _references(message: Message) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_STRING and _refers(field.name):
            for reference in value if field.is_repeated else (value,):
                if reference:
                    yield f"{message.DESCRIPTOR.name}.{field.name}", reference
        for inner in _inner(field, value):
            yield from _references(inner)


def _repeated(message: Message) -> Iterator[tuple[str, str]]:
    for field, value in message.ListFields():
        items = tuple(_inner(field, value))
        if field.is_repeated and items and "id" in items[0].DESCRIPTOR.fields_by_name and field.name != "model_ops":
            given = Counter(str(getattr(one, "id", "")) for one in items)
            yield from ((field.name, own) for own, count in given.items() if own and count > 1)
        for inner in items:
            yield from _repeated(inner)


def _refers(name: str) -> bool:
    return name not in NOT_IDS and (name.endswith(("_id", "_ids")) or name in ALSO_REFER)


def _inner(field: FieldDescriptor, value: Any) -> Iterator[Message]:
    kind = field.message_type
    if kind is not None and not kind.GetOptions().map_entry:
        yield from value if field.is_repeated else (value,)
