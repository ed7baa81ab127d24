"""A protobuf message as JSON Schema, in protobuf's JSON form."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from archwright.payloads import Json

_SCALARS: Mapping[int, Json] = {
    FieldDescriptor.CPPTYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.CPPTYPE_DOUBLE: {"type": "number"},
    FieldDescriptor.CPPTYPE_FLOAT: {"type": "number"},
    FieldDescriptor.CPPTYPE_INT32: {"type": "integer"},
    FieldDescriptor.CPPTYPE_UINT32: {"type": "integer", "minimum": 0},
    # Protobuf writes these as strings and reads either.
    FieldDescriptor.CPPTYPE_INT64: {"type": ["string", "integer"]},
    FieldDescriptor.CPPTYPE_UINT64: {"type": ["string", "integer"]},
}
_WELL_KNOWN: Mapping[str, Json] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {"type": "string"},
    "google.protobuf.Struct": {"type": "object"},
    "google.protobuf.Value": {},
    "google.protobuf.ListValue": {"type": "array"},
}


def schema_of_message(message: Descriptor) -> Json:
    """Return the schema of a message; what it is made of stands under `$defs`."""
    found: dict[str, Json] = {}
    schema = _schema(message, found)
    return schema | {"$defs": found} if found else schema


def _schema(message: Descriptor, found: dict[str, Json]) -> Json:
    if message.full_name in _WELL_KNOWN:
        return _WELL_KNOWN[message.full_name]
    properties = {field.name: _field(field, found) for field in message.fields}
    return {"title": message.name, "type": "object", "properties": properties}


def _field(field: FieldDescriptor, found: dict[str, Json]) -> Json:
    inner = field.message_type
    if inner is not None and inner.GetOptions().map_entry:
        return {"type": "object", "additionalProperties": _value(inner.fields_by_name["value"], found)}
    value = _value(field, found)
    return {"type": "array", "items": value} if field.is_repeated else value


def _value(field: FieldDescriptor, found: dict[str, Json]) -> Json:
    if field.enum_type is not None:
        return {"type": "string", "enum": [each.name for each in field.enum_type.values]}
    if field.message_type is not None:
        return _reference(field.message_type, found)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return {"type": "string"} | ({"contentEncoding": "base64"} if field.type == field.TYPE_BYTES else {})
    return _SCALARS[field.cpp_type]


def _reference(message: Descriptor, found: dict[str, Json]) -> Json:
    if message.full_name in _WELL_KNOWN:
        return _WELL_KNOWN[message.full_name]
    if message.full_name not in found:
        found[message.full_name] = {}  # a message may hold itself
        found[message.full_name] = _schema(message, found)
    return {"$ref": f"#/$defs/{message.full_name}"}
