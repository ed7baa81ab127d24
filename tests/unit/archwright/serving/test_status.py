"""Errors cross the wire and come back as they were."""

from __future__ import annotations

import grpc
import pytest
from grpc.aio import AioRpcError, Metadata

from archwright import errors
from archwright.errors import ArchwrightError, Violation
from archwright.serving.status import DETAILS_KEY, from_rpc_error, to_status


def over_the_wire(error: ArchwrightError) -> ArchwrightError:
    code, message, trailers = to_status(error)
    return from_rpc_error(AioRpcError(code, Metadata(), Metadata(*trailers), message))


@pytest.mark.parametrize("kind", errors.BY_REASON.values(), ids=lambda kind: kind.__name__)
def test_every_error_comes_back_as_what_it_was(kind: type[ArchwrightError]) -> None:
    sent = kind("It is wrong.", facts={"thing": "it"}, retry_after_seconds=1.5)

    received = over_the_wire(sent)

    assert type(received) is kind
    assert received.message == "It is wrong."
    assert received.facts == {"thing": "it"}
    assert received.retry_after_seconds == 1.5


@pytest.mark.parametrize("kind", [errors.DefinitionInvalid, errors.TransitionIllegal])
def test_violations_keep_their_places(kind: type[ArchwrightError]) -> None:
    violations = (Violation("steps[0].if", "is no expression", 3, 5), Violation("name", "is missing"))

    assert over_the_wire(kind("Two problems.", violations=violations)).violations == violations


def test_a_thousand_violations_still_fit_into_the_trailers() -> None:
    violations = [Violation(f"steps[{n}]", "is wrong " * 50, n, 1) for n in range(1, 1001)]

    sent = errors.DefinitionInvalid("Many problems.", violations=violations)
    received = over_the_wire(sent)

    assert len(dict(to_status(sent)[2])[DETAILS_KEY]) < 6000
    assert received.violations[0].line == 1
    assert received.facts["violations_total"] == "1000"


def test_very_long_messages_and_facts_are_cut() -> None:
    code, message, trailers = to_status(errors.RequestInvalid("x" * 100_000, facts={"field": "y" * 100_000}))

    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert len(message) == 1000
    assert len(trailers[0][1]) < 2000


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAVAILABLE, errors.DependencyUnavailable),
        (grpc.StatusCode.UNAUTHENTICATED, errors.TokenInvalid),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, errors.LimitReached),
        (grpc.StatusCode.NOT_FOUND, errors.NotFound),
        (grpc.StatusCode.UNKNOWN, errors.InternalFault),
    ],
)
def test_an_answer_that_is_not_ours_is_read_by_its_code(code: grpc.StatusCode, kind: type[ArchwrightError]) -> None:
    received = from_rpc_error(AioRpcError(code, Metadata(), Metadata(), "upstream connect error"))

    assert type(received) is kind
    assert received.message == "upstream connect error"


def test_details_that_are_garbage_do_not_hide_the_code() -> None:
    garbage = Metadata((DETAILS_KEY, b"\xff\xff\xff"))

    received = from_rpc_error(AioRpcError(grpc.StatusCode.UNAVAILABLE, Metadata(), garbage, ""))

    assert type(received) is errors.DependencyUnavailable
    assert received.message == "The call failed with UNAVAILABLE."
