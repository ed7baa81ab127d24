"""Messages as JSON Schema, in the form that the gateway gives them.

Field names stay as in the protos, 64-bit integers are strings, enums are their names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

from archwright.contract import Contract

Json: TypeAlias = Any

_SCALARS: Mapping[int, Json] = {
    FieldDescriptorProto.TYPE_STRING: {"type": "string"},
    FieldDescriptorProto.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptorProto.TYPE_BYTES: {"type": "string", "contentEncoding": "base64"},
    FieldDescriptorProto.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptorProto.TYPE_FLOAT: {"type": "number", "format": "float"},
    FieldDescriptorProto.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptorProto.TYPE_UINT32: {"type": "integer", "format": "int64", "minimum": 0},
    # JSON's numbers are doubles to most readers, and lose what is beyond 2^53.
    FieldDescriptorProto.TYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptorProto.TYPE_UINT64: {"type": "string", "format": "uint64"},
}

_WELL_KNOWN: Mapping[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
}


def name(full_name: str) -> str:
    """Return the name of a message or enum among the components: `Workflow.Status`."""
    return ".".join(part for part in full_name.split(".") if part[:1].isupper())


def reference(full_name: str) -> Json:
    """Return a reference to the schema of a message or an enum."""
    return {"$ref": f"#/components/schemas/{name(full_name)}"}


def components(spoken: Contract, roots: Iterable[tuple[str, Collection[str]]]) -> dict[str, Json]:
    """Return the schemas of `roots`, each without the fields named beside it, and of all that they lead to."""
    found: dict[str, Json] = {}
    waiting = [(root, frozenset(left_out)) for root, left_out in roots]
    while waiting:
        full_name, left_out = waiting.pop()
        if name(full_name) in found:
            continue
        if full_name in spoken.enums:
            found[name(full_name)] = _enum(spoken, full_name)
            continue
        fields = [field for field in spoken.messages[full_name].field if field.name not in left_out]
        found[name(full_name)] = _message(spoken, full_name, fields)
        waiting += ((target, frozenset()) for field in fields for target in _targets(spoken, field))
    return dict(sorted(found.items()))


def field(spoken: Contract, declared: FieldDescriptorProto) -> Json:
    """Return the schema of one field, without its comment."""
    entry = _map_entry(spoken, declared)
    if entry:
        return {"type": "object", "additionalProperties": field(spoken, entry.field[1])}
    single = _single(declared)
    if declared.label == FieldDescriptorProto.LABEL_REPEATED:
        return {"type": "array", "items": single}
    return single


def _single(declared: FieldDescriptorProto) -> Json:
    target = declared.type_name.removeprefix(".")
    if not target:
        return dict(_SCALARS[declared.type])
    return dict(_WELL_KNOWN[target]) if target in _WELL_KNOWN else reference(target)


def _message(spoken: Contract, full_name: str, fields: list[FieldDescriptorProto]) -> Json:
    properties = {}
    required = []
    for declared in fields:
        comment = spoken.comments.get(f"{full_name}.{declared.name}", "")
        properties[declared.name] = field(spoken, declared) | _described(comment)
        if comment.startswith("Required."):
            required.append(declared.name)
    schema: Json = {"type": "object", **_described(spoken.comments.get(full_name, "")), "properties": properties}
    return schema | ({"required": required} if required else {})


def _enum(spoken: Contract, full_name: str) -> Json:
    values = [declared.name for declared in spoken.enums[full_name].value]
    lines = [f"- `{value}`: {spoken.comments.get(f'{full_name}.{value}', '')}" for value in values]
    heading = spoken.comments.get(full_name, "")
    return {"type": "string", "description": "\n".join([heading, "", *lines]).strip(), "enum": values}


def _described(comment: str) -> Json:
    if not comment:
        return {}
    output_only = {"readOnly": True} if comment.startswith("Output only.") else {}
    return {"description": comment} | output_only


def _targets(spoken: Contract, declared: FieldDescriptorProto) -> list[str]:
    entry = _map_entry(spoken, declared)
    if entry:
        return _targets(spoken, entry.field[1])
    target = declared.type_name.removeprefix(".")
    return [target] if target and target not in _WELL_KNOWN else []


def _map_entry(spoken: Contract, declared: FieldDescriptorProto) -> DescriptorProto | None:
    message = spoken.messages.get(declared.type_name.removeprefix("."))
    return message if message is not None and message.options.map_entry else None
