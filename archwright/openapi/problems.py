"""What errors look like over REST: one shape, whoever refuses, the gateway or a service."""

from __future__ import annotations

from collections.abc import Mapping

from archwright.contract import Contract, Failure, Method
from archwright.errors import DOMAIN
from archwright.openapi.schemas import Json

# As Envoy converts gRPC codes.
HTTP_STATUS: Mapping[str, int] = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "DATA_LOSS": 500,
    "INTERNAL": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

_REASON = "archwright.problem.v1.Reason"
_WITHOUT_LEAVE = (
    Failure("UNAUTHENTICATED", "TOKEN_MISSING", "no token came with the call."),
    Failure("UNAUTHENTICATED", "TOKEN_INVALID", "the token is malformed, expired, not for us, or not trusted."),
    Failure("PERMISSION_DENIED", "ROLE_DENIED", "the token's roles do not allow this call."),
)
_CONTENT: Json = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


def responses_of(method: Method) -> dict[str, Json]:
    """Return the answers of a method that are errors, by HTTP status."""
    by_status: dict[int, list[Failure]] = {}
    for failure in (*method.failures, *(() if method.anonymous else _WITHOUT_LEAVE)):
        by_status.setdefault(HTTP_STATUS[failure.code], []).append(failure)
    documented = {
        str(status): {
            "description": "\n".join(f"- `{failure.reason}`: {failure.condition}" for failure in failures),
            "content": _CONTENT,
        }
        for status, failures in sorted(by_status.items())
    }
    if method.binding and method.binding.body:
        documented["413"] = {"$ref": "#/components/responses/TooLarge"}
    return documented | {"default": {"$ref": "#/components/responses/Problem"}}


def responses() -> dict[str, Json]:
    """Return the answers that any call may get."""
    return {
        "TooLarge": {"description": "- `PAYLOAD_TOO_LARGE`: the body is larger than 2 MiB.", "content": _CONTENT},
        "Problem": {
            "description": "Anything else, such as `DEPENDENCY_UNAVAILABLE` (503): in the same shape.",
            "content": _CONTENT,
        },
    }


def components(spoken: Contract) -> dict[str, Json]:
    """Return the schemas of errors."""
    reasons = [value.name for value in spoken.enums[_REASON].value if value.number]
    lines = [f"- `{reason}`: {spoken.comments.get(f'{_REASON}.{reason}', '')}" for reason in reasons]
    return {
        "Problem": {
            "type": "object",
            "description": "Why a call was refused.",
            "properties": {
                "code": {"type": "integer", "format": "int32", "description": "The number of the gRPC code."},
                "message": {"type": "string", "description": "What is wrong and what to do next, for people."},
                "details": {"type": "array", "items": {"$ref": "#/components/schemas/ProblemDetail"}},
            },
            "required": ["code", "message", "details"],
        },
        "ProblemDetail": {
            "description": "`ErrorInfo` comes first; others of `google.rpc` may follow: `BadRequest`, `RetryInfo`, "
            "`PreconditionFailure`.",
            "anyOf": [
                {"$ref": "#/components/schemas/ErrorInfo"},
                {"type": "object", "properties": {"@type": {"type": "string"}}, "required": ["@type"]},
            ],
        },
        "ErrorInfo": {
            "type": "object",
            "properties": {
                "@type": {"const": "type.googleapis.com/google.rpc.ErrorInfo"},
                "reason": {"type": "string", "description": "\n".join(lines), "enum": reasons},
                "domain": {"const": DOMAIN},
                "metadata": {
                    "type": "object",
                    "additionalProperties": {"type": "string"},
                    "description": "Every variable of the message.",
                },
            },
            "required": ["@type", "reason", "domain"],
        },
    }
