"""What the protos say, as plain values: services, methods, their paths, access rules and comments.

Everything that is derived from the contract (the OpenAPI document, the gateway's routes, the house tests)
reads it here, from the descriptor set that is generated together with the stubs; nothing parses protos twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TypeAlias

# Imported so that these options of methods are parsed as fields and not kept as unknown bytes.
from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)

from archwright.access.v1 import access_pb2
from archwright.agents.v1 import options_pb2  # noqa: F401

HTTP_BODY = "google.api.HttpBody"
CURSOR = "after_seq"
"""The one name that the cursor of events has in every request."""

_VARIABLE = re.compile(r"\{([a-z0-9_.]+)(?:=([^}]*))?\}")
_FAILURE = re.compile(r"^- `([A-Z_]+)` `([A-Z_]+)`: (.+)$")


@dataclass(frozen=True, slots=True)
class Binding:
    """Where a method is found over REST."""

    verb: str
    template: str
    body: str

    @property
    def variables(self) -> tuple[str, ...]:
        """The fields of the request that the path holds."""
        return tuple(name for name, _ in _VARIABLE.findall(self.template))

    @property
    def path(self) -> str:
        """The path with its variables bare, as OpenAPI writes it."""
        return _VARIABLE.sub(r"{\1}", self.template)

    @property
    def regex(self) -> str:
        """A pattern that fits exactly the paths of this template."""
        pattern, end = "", 0
        for variable in _VARIABLE.finditer(self.template):
            pattern += re.escape(self.template[end : variable.start()])
            pattern += ".+" if variable[2] == "**" else "[^/]+"
            end = variable.end()
        return pattern + re.escape(self.template[end:])


@dataclass(frozen=True, slots=True)
class Failure:
    """One line of a method's `Errors:` list."""

    code: str
    reason: str
    condition: str


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC."""

    name: str
    service: str
    request: str
    response: str
    client_streaming: bool
    server_streaming: bool
    comment: str
    documents_errors: bool
    failures: tuple[Failure, ...]
    binding: Binding | None
    has_access_rule: bool
    roles: tuple[str, ...]
    anonymous: bool

    @property
    def path(self) -> str:
        """The path of the call in gRPC."""
        return f"/{self.service}/{self.name}"

    @property
    def streams(self) -> bool:
        """Whether the call may last, in any direction."""
        return self.client_streaming or self.server_streaming


@dataclass(frozen=True, slots=True)
class Service:
    """One service of ours, with its methods in the order written."""

    full_name: str
    comment: str
    methods: tuple[Method, ...]


@dataclass(frozen=True, slots=True)
class Contract:
    """All services, and every message and enum that they lead to, by full name."""

    services: tuple[Service, ...]
    messages: Mapping[str, DescriptorProto]
    enums: Mapping[str, EnumDescriptorProto]
    comments: Mapping[str, str]

    def methods(self) -> Iterator[Method]:
        """Go through the methods of all services."""
        for service in self.services:
            yield from service.methods

    def is_event_stream(self, method: Method) -> bool:
        """Tell whether the method sends server-sent events: a stream of raw bodies that a cursor resumes."""
        fields = {field.name for field in self.messages[method.request].field}
        return method.server_streaming and method.response == HTTP_BODY and CURSOR in fields


def descriptor_set() -> FileDescriptorSet:
    """Return the descriptors of the contract and of all that it imports, with comments."""
    raw = resources.files("archwright").joinpath("descriptors.binpb").read_bytes()
    return FileDescriptorSet.FromString(raw)


@cache
def contract() -> Contract:
    """Return the contract that this installation speaks."""
    services: list[Service] = []
    messages: dict[str, DescriptorProto] = {}
    enums: dict[str, EnumDescriptorProto] = {}
    comments: dict[str, str] = {}
    for file in descriptor_set().file:
        comments |= _comments(file)
        for message in file.message_type:
            _collect(f"{file.package}.{message.name}", message, messages, enums)
        enums |= {f"{file.package}.{enum.name}": enum for enum in file.enum_type}
        services += (_service(f"{file.package}.{service.name}", service, comments) for service in file.service)
    return Contract(tuple(services), messages, enums, comments)


def _collect(
    name: str, message: DescriptorProto, messages: dict[str, DescriptorProto], enums: dict[str, EnumDescriptorProto]
) -> None:
    messages[name] = message
    enums |= {f"{name}.{enum.name}": enum for enum in message.enum_type}
    for nested in message.nested_type:
        _collect(f"{name}.{nested.name}", nested, messages, enums)


def _service(name: str, service: ServiceDescriptorProto, comments: Mapping[str, str]) -> Service:
    methods = tuple(_method(name, method, comments.get(f"{name}.{method.name}", "")) for method in service.method)
    return Service(name, comments.get(name, ""), methods)


def _method(service: str, method: MethodDescriptorProto, comment: str) -> Method:
    access = method.options.Extensions[access_pb2.access]
    prose, heading, errors = comment.partition("Errors:")
    return Method(
        name=method.name,
        service=service,
        request=method.input_type.removeprefix("."),
        response=method.output_type.removeprefix("."),
        client_streaming=method.client_streaming,
        server_streaming=method.server_streaming,
        comment=prose.strip(),
        documents_errors=bool(heading),
        failures=tuple(_failures(errors)),
        # The published stubs do not say of which options this is an extension.
        binding=_binding(method.options.Extensions[annotations_pb2.http]),  # type: ignore[index]
        has_access_rule=method.options.HasExtension(access_pb2.access),
        roles=tuple(access_pb2.Role.Name(role).lower() for role in access.roles),
        anonymous=access.anonymous,
    )


def _binding(rule: HttpRule) -> Binding | None:
    verb = rule.WhichOneof("pattern")
    if verb is None:
        return None
    return Binding(verb, getattr(rule, verb), rule.body)


def _failures(errors: str) -> Iterator[Failure]:
    # A condition may run over several lines; each further one is indented below its bullet.
    for line in re.sub(r"\n\s+(?!-)", " ", errors.strip()).splitlines():
        if found := _FAILURE.match(line.strip()):
            yield Failure(*found.groups())


def _comments(file: FileDescriptorProto) -> dict[str, str]:
    """Return the comments that lead declarations, by the full name of what they lead."""
    names = dict(_places(file))
    comments = {}
    for location in file.source_code_info.location:
        name = names.get(tuple(location.path))
        if name and location.leading_comments:
            lines = (line.removeprefix(" ") for line in location.leading_comments.rstrip().splitlines())
            comments[name] = "\n".join(lines)
    return comments


# The numbers in paths are those of fields in descriptor.proto: so the source information names places in a file.
_Place: TypeAlias = tuple[tuple[int, ...], str]


def _places(file: FileDescriptorProto) -> Iterator[_Place]:
    """Go through all declarations of a file, with their full names."""
    for index, message in enumerate(file.message_type):
        yield from _places_in_message(message, (4, index), f"{file.package}.{message.name}")
    for index, enum in enumerate(file.enum_type):
        yield from _places_in_enum(enum, (5, index), f"{file.package}.{enum.name}")
    for index, service in enumerate(file.service):
        name = f"{file.package}.{service.name}"
        yield (6, index), name
        yield from (((6, index, 2, at), f"{name}.{method.name}") for at, method in enumerate(service.method))


def _places_in_message(message: DescriptorProto, path: tuple[int, ...], name: str) -> Iterator[_Place]:
    yield path, name
    yield from (((*path, 2, at), f"{name}.{field.name}") for at, field in enumerate(message.field))
    for at, nested in enumerate(message.nested_type):
        yield from _places_in_message(nested, (*path, 3, at), f"{name}.{nested.name}")
    for at, enum in enumerate(message.enum_type):
        yield from _places_in_enum(enum, (*path, 4, at), f"{name}.{enum.name}")


def _places_in_enum(enum: EnumDescriptorProto, path: tuple[int, ...], name: str) -> Iterator[_Place]:
    yield path, name
    yield from (((*path, 2, at), f"{name}.{value.name}") for at, value in enumerate(enum.value))
