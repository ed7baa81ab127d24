"""Who may make a call: the token, held against the access rule that the proto gives the method.

A method without a rule is refused when the server is built, not when somebody calls it.
"""

from __future__ import annotations

import time
from typing import Any, Protocol, TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor

from archwright.access.v1 import access_pb2
from archwright.errors import RoleDenied, TokenInvalid, TokenMissing
from archwright.serving.calls import Call
from archwright.serving.tokens import ANONYMOUS, Caller

Context: TypeAlias = grpc.aio.ServicerContext[Any, Any]


class Verifier(Protocol):
    """Tells who holds a token."""

    def verify(self, token: str) -> Caller:
        """Return the caller, or raise TokenInvalid."""


class Admission:
    """Admits the calls of one method."""

    def __init__(self, method: MethodDescriptor, verifier: Verifier) -> None:
        """Read the method's rule; raises ValueError when it has none."""
        self._name = path_of(method)
        self._roles = _allowed_roles(method)
        self._verifier = verifier

    def admit(self, context: Context) -> Call:
        """Return the call, or raise TokenMissing, TokenInvalid or RoleDenied."""
        token, metadata = "", {}
        for key, value in context.invocation_metadata() or ():
            if key == "authorization":
                token = _bearer(value)
            elif isinstance(value, str):
                metadata[key] = value
        remaining = context.time_remaining()
        return Call(
            caller=ANONYMOUS if self._roles is None else self._authorised(token, self._roles),
            metadata=metadata,
            method=self._name,
            peer=context.peer(),
            deadline=None if remaining is None else time.monotonic() + remaining,
        )

    def _authorised(self, token: str, allowed: frozenset[str]) -> Caller:
        if not token:
            raise TokenMissing(
                "No token came with the call. Send `authorization: Bearer <token>`; "
                "`archwright token` prints one in the local mesh."
            )
        caller = self._verifier.verify(token)
        if allowed.isdisjoint(caller.roles):
            raise RoleDenied(
                f"{self._name} takes one of the roles {', '.join(sorted(allowed))}; "
                f"the token of {caller.subject!r} has {', '.join(sorted(caller.roles)) or 'none'}. "
                "Show a token that has one of them.",
                facts={"method": self._name, "roles": ",".join(sorted(allowed))},
            )
        return caller


def path_of(method: MethodDescriptor) -> str:
    """Return the method's name as gRPC sends it."""
    return f"/{method.containing_service.full_name}/{method.name}"


def _allowed_roles(method: MethodDescriptor) -> frozenset[str] | None:
    """Return who may call, or None for everybody."""
    options = method.GetOptions()
    if not options.HasExtension(access_pb2.access):
        raise ValueError(f"{method.full_name} has no access rule; set the option (archwright.access.v1.access).")
    rule = options.Extensions[access_pb2.access]
    if rule.anonymous:
        return None
    return frozenset(access_pb2.Role.Name(role).lower() for role in rule.roles)


def _bearer(header: str | bytes) -> str:
    scheme, _, token = header.partition(" ") if isinstance(header, str) else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise TokenInvalid("The `authorization` header is not of the form `Bearer <token>`.")
    return token.strip()
