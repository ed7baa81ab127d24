"""What a model is told: its part, the request as data, what colleagues made, the draft, and the form of the answer."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import orjson
from google.protobuf.message import Message

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.sdk.message_schema import schema_of_message
from services.agents.deliverables import to_json
from services.agents.llm.merging import refinement
from services.agents.llm.port import Assignment, Document
from services.agents.role import Role
from services.agents.validation.given import Given

ALSO: Final = ("model_ops", "assumptions", "open_questions", "findings")
"""What of an output may be changed besides its deliverable."""
_NOT_TOLD: Final = frozenset({"content", "sha256", "layout", "mermaid_gantt", "formulas", "source", "confidence"})
"""Fields that would only make a prompt long."""


def assignment_of(output: AgentOutput, role: Role, given: Given) -> Assignment:
    """Return what a model is asked for about a draft."""
    table = refinement()
    name = role.agent_type.replace("_", " ")
    colleagues = "\n".join(f"{key}: {line}" for key, one in given.earlier.items() for line in _items(one, key))
    draft = {name: value for name, value in to_json(output).items() if name in (role.key, *ALSO)}
    prompt = "\n\n".join(
        (
            _fenced("request", given.text or "(It did not come along.)"),
            _fenced("colleagues", colleagues or "(Nobody came before you.)"),
            _fenced("draft", orjson.dumps(_shortened(draft)).decode()),
        )
    )
    return Assignment(f"{table.common.format(role=name)}\n{table.roles[role.agent_type]}", prompt, schema_of(role))


def schema_of(role: Role) -> Document:
    """Return the JSON Schema of an answer: the contract's, cut down to what may be changed."""
    whole: Any = schema_of_message(AgentOutput.DESCRIPTOR)
    kept = {name: whole["properties"][name] for name in (role.key, *ALSO)}
    definitions: dict[str, Any] = {}
    _gather(kept, whole["$defs"], definitions)
    return {"title": "Refinement", "type": "object", "properties": kept, "$defs": definitions}


def sha256_of(assignment: Assignment) -> str:
    """Return the SHA-256 of what a model was told, in hexadecimal."""
    return hashlib.sha256(f"{assignment.instructions}\0{assignment.prompt}".encode()).hexdigest()


def _fenced(name: str, content: str) -> str:
    # Whatever the content says, it cannot end its own part.
    return f"<{name}>\n{content.replace(f'</{name}>', '')}\n</{name}>"


def _items(output: AgentOutput, key: str) -> Iterator[str]:
    """Yield a line for each item of a deliverable that can be referred to."""
    deliverable = getattr(output, key)
    for field, value in deliverable.ListFields():
        if field.is_repeated and field.message_type is not None and "id" in field.message_type.fields_by_name:
            yield from (f"{one.id} {_named(one)}".rstrip() for one in value)


def _named(item: Message) -> str:
    for name in ("name", "statement", "title", "value", "text"):
        if found := getattr(item, name, ""):
            return str(found)
    return ""


def _shortened(value: Any) -> Any:
    match value:
        case dict():
            return {name: _shortened(inner) for name, inner in value.items() if name not in _NOT_TOLD}
        case list():
            return [_shortened(inner) for inner in value]
        case _:
            return value


def _gather(value: Any, known: dict[str, Any], found: dict[str, Any]) -> None:
    """Put every definition that `value` leads to into `found`."""
    match value:
        case {"$ref": str() as reference}:
            name = reference.removeprefix("#/$defs/")
            if name not in found:
                found[name] = known[name]
                _gather(known[name], known, found)
        case dict():
            for inner in value.values():
                _gather(inner, known, found)
        case list():
            for inner in value:
                _gather(inner, known, found)
