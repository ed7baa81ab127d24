"""How the fields of requests are read that many calls have."""

from __future__ import annotations

from google.protobuf.struct_pb2 import Struct

from archwright import ids, payloads
from archwright.errors import PayloadTooLarge, RequestInvalid, Violation, WorkflowNotFound
from archwright.serving.calls import Call
from services.engine.domain.events import Json
from services.engine.domain.values import canonical
from services.engine.ports.keys import Key

TEXT_CHARACTERS_MAX = 200
WORDS_CHARACTERS_MAX = 2_000


def key_of(workflow_id: str, call: Call) -> Key:
    """Return the key of a caller's workflow. An id that is none names no workflow, and is answered so."""
    try:
        ids.read("wf", workflow_id)
    except ids.MalformedId:
        raise WorkflowNotFound.named(workflow_id) from None
    return Key(call.caller.tenant, workflow_id)


def request_id_of(request_id: str, call: Call) -> str:
    """Return the id by which a repeated request is recognised: the request's own, or the header's; empty if neither."""
    return short("request_id", request_id or call.request_id)


def short(field: str, text: str, most: int = TEXT_CHARACTERS_MAX) -> str:
    """Return the text, if it is not too long."""
    if len(text) > most:
        raise wrong(field, f"{field} has {len(text):,} characters; the limit is {most:,}.")
    return text


def given(field: str, text: str, most: int = TEXT_CHARACTERS_MAX) -> str:
    """Return the text, if it is there and not too long."""
    if not text:
        raise wrong(field, f"{field} is missing.")
    return short(field, text, most)


def page_size(asked: int, default: int, most: int) -> int:
    """Return how many a page is to hold."""
    if asked < 0:
        raise wrong("page_size", f"page_size is {asked}; it must be from 0 to {most}.")
    return min(asked or default, most)


def json_of(field: str, struct: Struct) -> Json:
    """Return a payload as JSON, if it is not too large."""
    value = payloads.from_struct(struct, root=field)
    size = len(canonical(value))
    if size > payloads.LIMIT_BYTES:
        raise PayloadTooLarge(
            f"{field} has {size:,} bytes as JSON; the limit is {payloads.LIMIT_BYTES:,}. "
            "Put large content into an artifact instead.",
            facts={"field": field, "size_bytes": str(size), "limit_bytes": str(payloads.LIMIT_BYTES)},
        )
    return value


def wrong_token() -> RequestInvalid:
    """Return the refusal of a page token that no list returned."""
    return wrong("page_token", "page_token is not one that a list returned. Leave it out to begin at the first page.")


def wrong(field: str, description: str) -> RequestInvalid:
    """Return the refusal of a field."""
    return RequestInvalid(description, violations=[Violation(field, description)], facts={"field": field})
