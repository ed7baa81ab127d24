"""Errors on the wire: our types to `google.rpc.Status`, and back.

This is the only place that knows which gRPC code an error has. Places in a document travel as facts
(`violation_0_at: "3:5"`), because `BadRequest` has no field for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from archwright import errors
from archwright.errors import ArchwrightError, Violation

DETAILS_KEY: Final = "grpc-status-details-bin"

# gRPC refuses trailers beyond 8 KiB as a whole, and the message travels twice.
_MESSAGE_LENGTH_MAX = 1000
_DETAILS_BYTES_MAX = 4000
_DESCRIPTION_LENGTH_MAX = 300

Trailers = tuple[tuple[str, str | bytes], ...]


def to_status(error: ArchwrightError) -> tuple[grpc.StatusCode, str, Trailers]:
    """Return the code, the message and the trailers that tell `error` to a caller."""
    code = _code(error)
    message = _shortened(error.message, _MESSAGE_LENGTH_MAX)
    status = status_pb2.Status(code=code.value[0], message=message)
    facts, violations = dict(error.facts), list(error.violations)
    _attach(status, error, facts, violations)
    while status.ByteSize() > _DETAILS_BYTES_MAX and violations:
        # The first violations are worth more than none.
        violations = violations[: len(violations) // 2]
        facts["violations_total"] = str(len(error.violations))
        _attach(status, error, facts, violations)
    return code, message, ((DETAILS_KEY, status.SerializeToString()),)


def from_rpc_error(error: grpc.aio.AioRpcError) -> ArchwrightError:
    """Return the error of ours that a failed call means.

    An answer that is not from us (a proxy's, or a connection that broke) is read by its code alone.
    """
    message = error.details() or f"The call failed with {error.code().name}."
    status = _details_of(error)
    found = _read_details(status or status_pb2.Status())
    kind = errors.BY_REASON.get(found.reason) or _BY_CODE.get(error.code(), errors.InternalFault)
    return kind(
        message,
        violations=found.violations,
        retry_after_seconds=found.retry_after_seconds,
        facts=found.facts,
    )


def _code(error: ArchwrightError) -> grpc.StatusCode:
    match error:
        case errors.CursorOutOfRange():
            return grpc.StatusCode.OUT_OF_RANGE
        case errors.InvalidArgument():
            return grpc.StatusCode.INVALID_ARGUMENT
        case errors.MethodUnknown():
            return grpc.StatusCode.UNIMPLEMENTED
        case errors.NotFound():
            return grpc.StatusCode.NOT_FOUND
        case errors.Taken():
            return grpc.StatusCode.ALREADY_EXISTS
        case errors.Conflict():
            return grpc.StatusCode.FAILED_PRECONDITION
        case errors.Unauthenticated():
            return grpc.StatusCode.UNAUTHENTICATED
        case errors.Denied():
            return grpc.StatusCode.PERMISSION_DENIED
        case errors.Exhausted():
            return grpc.StatusCode.RESOURCE_EXHAUSTED
        case errors.DeadlinePassed():
            return grpc.StatusCode.DEADLINE_EXCEEDED
        case errors.Unavailable():
            return grpc.StatusCode.UNAVAILABLE
        case errors.DataLoss():
            return grpc.StatusCode.DATA_LOSS
        case _:
            return grpc.StatusCode.INTERNAL


_BY_CODE: Final = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.RequestInvalid,
    grpc.StatusCode.OUT_OF_RANGE: errors.CursorOutOfRange,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.UNIMPLEMENTED: errors.MethodUnknown,
    grpc.StatusCode.ALREADY_EXISTS: errors.Taken,
    grpc.StatusCode.FAILED_PRECONDITION: errors.Conflict,
    grpc.StatusCode.UNAUTHENTICATED: errors.TokenInvalid,
    grpc.StatusCode.PERMISSION_DENIED: errors.RoleDenied,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.LimitReached,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlinePassed,
    grpc.StatusCode.UNAVAILABLE: errors.DependencyUnavailable,
    grpc.StatusCode.DATA_LOSS: errors.DataLoss,
    # Both mean that the call was given up on the way, and may be sent again.
    grpc.StatusCode.ABORTED: errors.DependencyUnavailable,
    grpc.StatusCode.CANCELLED: errors.DependencyUnavailable,
}


def _attach(
    status: status_pb2.Status, error: ArchwrightError, facts: dict[str, str], violations: list[Violation]
) -> None:
    places = {
        f"violation_{index}_at": f"{violation.line}:{violation.column}"
        for index, violation in enumerate(violations)
        if violation.line
    }
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=error.reason or "INTERNAL_FAULT",
            domain=errors.DOMAIN,
            metadata={key: _shortened(str(fact), _DESCRIPTION_LENGTH_MAX) for key, fact in (facts | places).items()},
        )
    ]
    if violations and isinstance(error, errors.Conflict):
        details.append(_precondition(error, violations))
    elif violations:
        details.append(
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=_shortened(violation.field, _DESCRIPTION_LENGTH_MAX),
                        description=_shortened(violation.description, _DESCRIPTION_LENGTH_MAX),
                    )
                    for violation in violations
                ]
            )
        )
    if error.retry_after_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromNanoseconds(int(error.retry_after_seconds * 1e9))
        details.append(retry)
    del status.details[:]
    for detail in details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)


def _precondition(error: errors.Conflict, violations: list[Violation]) -> error_details_pb2.PreconditionFailure:
    return error_details_pb2.PreconditionFailure(
        violations=[
            error_details_pb2.PreconditionFailure.Violation(
                type=error.reason,
                subject=_shortened(violation.field, _DESCRIPTION_LENGTH_MAX),
                description=_shortened(violation.description, _DESCRIPTION_LENGTH_MAX),
            )
            for violation in violations
        ]
    )


@dataclass(slots=True)
class _Details:
    """What the details of a status say, in our words."""

    reason: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    violations: list[Violation] = field(default_factory=list)
    retry_after_seconds: float | None = None


def _read_details(status: status_pb2.Status) -> _Details:
    read = _Details()
    info = error_details_pb2.ErrorInfo()
    request = error_details_pb2.BadRequest()
    precondition = error_details_pb2.PreconditionFailure()
    retry = error_details_pb2.RetryInfo()
    for packed in status.details:
        if packed.Unpack(info):
            read.facts = dict(info.metadata)
            read.reason = info.reason if info.domain == errors.DOMAIN else ""
        elif packed.Unpack(request):
            read.violations = [Violation(wrong.field, wrong.description) for wrong in request.field_violations]
        elif packed.Unpack(precondition):
            read.violations = [Violation(unmet.subject, unmet.description) for unmet in precondition.violations]
        elif packed.Unpack(retry):
            read.retry_after_seconds = retry.retry_delay.ToNanoseconds() / 1e9
    read.violations = [_placed(violation, index, read.facts) for index, violation in enumerate(read.violations)]
    return read


def _placed(violation: Violation, index: int, facts: dict[str, str]) -> Violation:
    line, _, column = facts.pop(f"violation_{index}_at", "").partition(":")
    if not (line.isdecimal() and column.isdecimal()):
        return violation
    return replace(violation, line=int(line), column=int(column))


def _details_of(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def _shortened(text: str, length_max: int) -> str:
    return text if len(text) <= length_max else text[: length_max - 1] + "…"
