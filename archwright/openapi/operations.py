"""Methods as operations: what a caller sends, and what comes back."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from archwright.contract import HTTP_BODY, Binding, Contract, Method
from archwright.openapi import problems, schemas
from archwright.openapi.schemas import Json

_REQUEST_ID = "request_id"

_IDEMPOTENCY_KEY: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "The same as `request_id`: makes the call safe to retry.",
    "schema": {"type": "string"},
}
_LAST_EVENT_ID: Json = {
    "name": "Last-Event-ID",
    "in": "header",
    "required": False,
    "description": "Resumes after the event of this id; goes before `after_seq`.",
    "schema": {"type": "string", "pattern": "^[0-9]+$"},
}


def tag(service: str) -> str:
    """Return the name under which the methods of a service are found."""
    return service.rpartition(".")[2].removesuffix("Service")


def messages(spoken: Contract) -> Iterator[tuple[str, Collection[str]]]:
    """Name the messages that bodies are made of, each with the fields that are in the path instead."""
    for method in spoken.methods():
        if method.binding is None:
            continue
        if method.binding.body:
            yield method.request, method.binding.variables
        if method.response != HTTP_BODY:
            yield method.response, ()


def operation(spoken: Contract, method: Method, *, security: list[dict[str, list[str]]]) -> Json:
    """Return the operation of a method that has a place in REST."""
    if method.binding is None:
        raise ValueError(f"{method.path} has no REST form")
    summary, _, description = method.comment.partition("\n\n")
    described: Json = {
        "operationId": method.name,
        "tags": [tag(method.service)],
        "summary": _flat(summary),
        **({"description": description} if description else {}),
        "security": security,
    }
    parameters = list(_parameters(spoken, method, method.binding))
    if parameters:
        described["parameters"] = parameters
    if method.binding.body:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": schemas.reference(method.request)}},
        }
    answer = {"description": _answer(spoken, method), "content": _content(spoken, method)}
    return described | {"responses": {"200": answer} | problems.responses_of(method)}


def _parameters(spoken: Contract, method: Method, binding: Binding) -> Iterator[Json]:
    for declared in spoken.messages[method.request].field:
        comment = spoken.comments.get(f"{method.request}.{declared.name}", "")
        if declared.name in binding.variables:
            yield _parameter(spoken, declared, "path", comment)
        elif not binding.body:
            yield _parameter(spoken, declared, "query", comment)
    names = {declared.name for declared in spoken.messages[method.request].field}
    if _REQUEST_ID in names:
        yield _IDEMPOTENCY_KEY
    if spoken.is_event_stream(method):
        yield _LAST_EVENT_ID


def _parameter(spoken: Contract, declared: FieldDescriptorProto, place: str, comment: str) -> Json:
    return {
        "name": declared.name,
        "in": place,
        "required": place == "path",
        **({"description": comment} if comment else {}),
        "schema": schemas.field(spoken, declared),
    }


def _answer(spoken: Contract, method: Method) -> str:
    if spoken.is_event_stream(method):
        return "Events, each with its `id:`, as they come."
    if method.response == HTTP_BODY:
        return "The content as it is, with its own media type."
    return _flat(spoken.comments.get(method.response, ""))


def _content(spoken: Contract, method: Method) -> Json:
    if spoken.is_event_stream(method):
        return {"text/event-stream": {"schema": {"type": "string"}}}
    if method.response == HTTP_BODY:
        return {"*/*": {}}
    schema = schemas.reference(method.response)
    return {"application/json": {"schema": {"type": "array", "items": schema} if method.server_streaming else schema}}


def _flat(comment: str) -> str:
    return " ".join(comment.split())
