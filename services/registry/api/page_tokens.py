"""Page tokens: where a list goes on, in letters that nobody should read anything into."""

from __future__ import annotations

import base64
import binascii

from archwright.errors import RequestInvalid, Violation
from services.registry.domain.agent import Key

PAGE_SIZE = 50
PAGE_SIZE_MAX = 200


def token_after(key: Key) -> str:
    """Return the token of the page that begins after this agent."""
    return base64.urlsafe_b64encode(f"{key.tenant}/{key.agent_id}".encode()).decode().rstrip("=")


def key_of(token: str) -> Key | None:
    """Return after which agent the page begins, None for the first page; raises RequestInvalid."""
    if not token:
        return None
    try:
        place = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        place = ""
    tenant, slash, agent_id = place.partition("/")
    if not (tenant and slash and agent_id) or "\x00" in place:
        raise RequestInvalid(
            "`page_token` is not one that a list returned. Leave it empty for the first page.",
            violations=[Violation("page_token", "is not one that a list returned")],
        )
    return Key(tenant, agent_id)


def page_size_of(wished: int) -> int:
    """Return how many agents a page holds; raises RequestInvalid for a negative wish."""
    if wished < 0:
        raise RequestInvalid(
            f"`page_size` is {wished}; it must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE}.",
            violations=[Violation("page_size", "must not be negative")],
        )
    return min(wished or PAGE_SIZE, PAGE_SIZE_MAX)
