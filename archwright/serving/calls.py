"""One call, as a servicer sees it: who makes it, from where, and how long it may take."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from archwright.serving.tokens import Caller


@dataclass(frozen=True, slots=True)
class Call:
    """What a servicer may know about the call besides the request itself.

    `metadata` holds the text entries only, without the token. `deadline` is in the seconds of
    `time.monotonic()`; None means that the caller set none.
    """

    caller: Caller
    metadata: Mapping[str, str]
    method: str
    peer: str
    deadline: float | None
    answer_headers: dict[str, str] = field(default_factory=dict)
    """What a streaming servicer adds to the headers of its answer, until it yields its first message."""

    @property
    def ip_address(self) -> str:
        """Where the call came from; through the gateway, what the gateway saw. Empty for a local socket."""
        seen = self.metadata.get("x-envoy-external-address")
        if seen:
            return seen
        family, _, address = unquote(self.peer).partition(":")
        return address.rpartition(":")[0].strip("[]") if family in ("ipv4", "ipv6") else ""

    @property
    def user_agent(self) -> str:
        """What the caller says it is."""
        return self.metadata.get("user-agent", "")

    @property
    def request_id(self) -> str:
        """The `Idempotency-Key` of the call; empty when there is none."""
        return self.metadata.get("idempotency-key", "")

    def time_remaining(self) -> float | None:
        """Return the seconds until the deadline, never below 0; None when there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())
