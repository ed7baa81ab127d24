"""A model's change put into a draft: words of what is there, and items that are new. Nothing else gets through."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from archwright.agents.v1.model_pb2 import ModelOp, Source
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.draft import element_id
from services.agents.knowledge.load import table

ADDED_MAX = 200
RULE = "model"
"""The rule that stands for what a model assumed."""


@dataclass(frozen=True, slots=True)
class Refinement:
    """The table of what a model is told, and what it may touch."""

    common: str
    roles: dict[str, str]
    words: tuple[str, ...]


def refinement() -> Refinement:
    """Return the table."""
    return table("refinement", Refinement)


@dataclass(slots=True)
class Merged:
    """A draft with the change in it, and what of the change was refused."""

    output: AgentOutput
    refused: list[str] = field(default_factory=list)
    added: list[tuple[Any, Message]] = field(default_factory=list)
    """Each new item, after the list that it went into."""


def merge(draft: AgentOutput, change: AgentOutput, text: str) -> Merged:
    """Return `draft` with `change`; `text` is the request, in which quotes are looked up."""
    merged = Merged(AgentOutput())
    merged.output.CopyFrom(draft)
    _into(merged, merged.output, change, "the output")
    if len(merged.added) > ADDED_MAX:
        merged.refused.append(f"{len(merged.added)} items were added; the limit is {ADDED_MAX}.")
    for _, item in merged.added:
        _sourced(merged, item, text)
    for items, item in merged.added:
        _shown_in_the_model(merged.output, items, item)
    return merged


def _into(merged: Merged, there: Message, change: Message, place: str) -> None:
    """Put the fields of `change` into `there`, which exists."""
    for field_, value in change.ListFields():
        where = f"{place}.{field_.name}"
        if field_.message_type is not None and field_.message_type.GetOptions().map_entry:
            if any(getattr(there, field_.name).get(key) != new for key, new in value.items()):
                merged.refused.append(f"{where} holds figures, and those stay as they are.")
        elif field_.is_repeated and field_.message_type is not None:
            _into_list(merged, getattr(there, field_.name), value, where)
        elif field_.is_repeated:
            known = getattr(there, field_.name)
            known.extend(one for one in value if one not in known)
        elif field_.message_type is not None:
            _into(merged, getattr(there, field_.name), value, where)
        elif getattr(there, field_.name) != value:
            _into_field(merged, there, field_, value, where)


def _into_list(merged: Merged, there: Any, change: Any, where: str) -> None:
    by_id = {one.id: one for one in there if getattr(one, "id", "")}
    for item in change:
        own = getattr(item, "id", "")
        if own in by_id:
            _into(merged, by_id[own], item, f"{where}[{own}]")
        elif item not in there:
            there.add().CopyFrom(item)
            merged.added.append((there, there[-1]))


def _into_field(merged: Merged, there: Message, field_: FieldDescriptor, value: Any, where: str) -> None:
    if field_.type == FieldDescriptor.TYPE_STRING and field_.name in refinement().words:
        setattr(there, field_.name, value)
    else:
        merged.refused.append(f"{where} stays as it is; of what the draft has, only words may be changed.")


def _sourced(merged: Merged, item: Message, text: str) -> None:
    """Hold a new item to its source: words of the request, found where they stand, or an assumption that says so."""
    names = item.DESCRIPTOR.fields_by_name
    if "basis" not in names or names["basis"].enum_type is None:
        return
    told: Any = item
    own = getattr(item, "id", "") or item.DESCRIPTOR.name
    match told.basis:
        case Source.EXPLICIT if "source" in names:
            at = text.find(told.source.quote) if told.source.quote else -1
            if at < 0:
                merged.refused.append(
                    f"{own} is EXPLICIT and quotes {told.source.quote!r}; the request has no such words."
                )
            else:
                told.source.span[:] = (at, at + len(told.source.quote))
        case Source.ASSUMED:
            if "rule_id" in names:
                told.rule_id = RULE
        case _:
            merged.refused.append(f"{own} needs `basis`: EXPLICIT with the request's own words, or ASSUMED.")


def _shown_in_the_model(output: AgentOutput, items: Any, item: Any) -> None:
    """Add the element that stands for a new item, of the type that its neighbours have, where they all have one."""
    types = {op.id: op for op in output.model_ops if op.op == ModelOp.ADD_ELEMENT}
    own = getattr(item, "id", "")
    if not own or element_id(own) in types or isinstance(item, ModelOp):
        return
    neighbours = [types.get(element_id(one.id)) for one in items if one is not item and _is_like(one, item)]
    named = getattr(item, "name", "") or getattr(item, "statement", "") or getattr(item, "title", "")
    if neighbours and named and all(neighbours) and neighbours[0] is not None:
        output.model_ops.add(
            op=ModelOp.ADD_ELEMENT,
            id=element_id(own),
            type=neighbours[0].type,
            layer=neighbours[0].layer,
            name=named,
            rationale="A language model added it.",
            trace_ids=[own],
        )


def _is_like(one: Any, item: Any) -> bool:
    return bool(getattr(one, "kind", None) == getattr(item, "kind", None))


def recount(output: AgentOutput, key: str) -> None:
    """Bring the metrics that count a deliverable's lists up to date."""
    made = getattr(output, key)
    for name, count in _counts(made):
        if name in output.metrics:
            output.metrics[name] = count


def _counts(made: Message) -> Iterator[tuple[str, float]]:
    for field_ in made.DESCRIPTOR.fields:
        if field_.is_repeated:
            yield f"{field_.name}_total", float(len(getattr(made, field_.name)))
