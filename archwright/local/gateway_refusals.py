"""What the gateway itself refuses, and how it says so: in the words and the shape of the services' errors.

The first refusal whose condition holds is the answer. Conditions are CEL over Envoy's attributes; the details
that they compare are Envoy's names for its own decisions.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import grpc
from google.protobuf import json_format

# Imported so that the details of a status can be written as JSON.
from google.rpc import error_details_pb2  # noqa: F401
from google.rpc.status_pb2 import Status

from archwright import errors
from archwright.errors import ArchwrightError
from archwright.serving.status import DETAILS_KEY, to_status

NATIVE_GRPC = (
    "'content-type' in request.headers && request.headers['content-type'].startsWith('application/grpc')"
    " && !('x-envoy-original-path' in request.headers)"
)
"""Holds for a call that came as gRPC, not for one that the transcoder made of REST."""

_BY_WORD = "%LOCAL_REPLY_BODY%"
"""What Envoy itself would have said to the caller."""

_BY_NAME = "%RESPONSE_CODE_DETAILS%"
"""Envoy's name for its decision: for those that it explains in no other way."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One answer of the gateway's own, in all its forms."""

    when: str
    http_status: int
    error: ArchwrightError
    cause: str = ""
    """A format of Envoy's for what is wrong exactly, where that differs from case to case."""

    @property
    def grpc_status(self) -> int:
        """The number of the gRPC code."""
        code: int = self._code.value[0]
        return code

    @property
    def text(self) -> str:
        """The message, as a format of Envoy's."""
        return self.error.message.replace("%", "%%")

    @property
    def details(self) -> str:
        """The details, as that trailer has them."""
        return base64.b64encode(self._status.SerializeToString()).decode().rstrip("=")

    @property
    def json(self) -> dict[str, object]:
        """The body for callers of REST, as a format of Envoy's."""
        body = json_format.MessageToDict(
            self._status, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
        body["message"] = self.text
        if self.cause:
            body["message"] = f"{self.text} The gateway says: {self.cause}"
            body["details"][0]["metadata"]["cause"] = self.cause
        return body

    @property
    def _code(self) -> grpc.StatusCode:
        return to_status(self.error)[0]

    @property
    def _status(self) -> Status:
        trailers = dict(to_status(self.error)[2])
        details = trailers[DETAILS_KEY]
        if isinstance(details, str):
            raise TypeError(f"{DETAILS_KEY} is text, and must be bytes")
        return Status.FromString(details)


def refusals(body_bytes_max: int) -> tuple[Refusal, ...]:
    """Return every answer that the gateway gives by itself, the more special ones first."""
    return (
        Refusal(
            "response.code_details == 'jwt_authn_access_denied{Jwt_is_missing}'",
            401,
            errors.TokenMissing(
                "No token came with the call. Send `Authorization: Bearer <token>`; `archwright token` prints one."
            ),
        ),
        Refusal(
            "response.code_details == 'jwt_authn_access_denied{Jwt_is_expired}'",
            401,
            errors.TokenInvalid("The token has expired. `archwright token` prints a new one."),
        ),
        Refusal(
            "response.code_details.startsWith('jwt_authn_access_denied')",
            401,
            errors.TokenInvalid(
                "The token is malformed, not for Archwright, or not signed by a key that is trusted here. "
                "`archwright token` prints a good one."
            ),
            cause=_BY_WORD,
        ),
        Refusal(
            "response.code == 413",
            413,
            errors.PayloadTooLarge(
                f"The body is larger than {body_bytes_max} bytes. Put large content into the artifact store and "
                "send its name.",
                facts={"limit_bytes": str(body_bytes_max)},
            ),
        ),
        Refusal(
            "response.code == 431",
            431,
            errors.RequestInvalid("The headers are larger than 32 KiB, or more than 100. Send fewer."),
        ),
        Refusal(
            "response.code == 404 || response.code == 405",
            404,
            errors.MethodUnknown("There is nothing at this path for this verb. `/openapi.json` lists all there is."),
        ),
        Refusal(
            "response.code_details.startsWith('grpc_json_transcode_failure')",
            400,
            errors.PayloadInvalid("The body is not the JSON that this call takes; `/openapi.json` shows its form."),
            cause=_BY_WORD,
        ),
        Refusal(
            "response.code_details.startsWith('early_grpc_json_transcode_failure')",
            400,
            errors.RequestInvalid("The request is not of the documented form; `/openapi.json` describes every one."),
            cause=_BY_WORD,
        ),
        Refusal(
            "response.code_details == 'path_normalization_failed'",
            400,
            errors.RequestInvalid("The path is malformed, or holds an encoded slash (`%2F`). Write a slash as it is."),
        ),
        Refusal(
            "response.code == 429",
            429,
            errors.LimitReached("The gateway is at a limit. Try again in a second.", retry_after_seconds=1),
        ),
        Refusal(
            "response.code == 408 || response.code == 504",
            504,
            errors.DeadlinePassed(
                "The call took too long and was given up. It may have been done: look before you try again."
            ),
        ),
        Refusal(
            "response.code == 502 || response.code == 503",
            503,
            errors.DependencyUnavailable(
                "The service behind the gateway does not answer just now. Try again in a second.", retry_after_seconds=1
            ),
        ),
        Refusal(
            "response.code >= 500",
            500,
            errors.InternalFault(
                "A fault of ours in the gateway; its log tells more under the `x-request-id` of this answer."
            ),
        ),
        Refusal(
            "response.code >= 400",
            400,
            errors.RequestInvalid("The gateway refuses this request; `/openapi.json` describes those that it takes."),
            cause=_BY_NAME,
        ),
    )
