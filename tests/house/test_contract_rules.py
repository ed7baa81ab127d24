"""What every RPC must say about itself, and the one list of reasons that protos and code share."""

from __future__ import annotations

import grpc
import pytest

from archwright.contract import Method, contract
from archwright.errors import BY_REASON
from archwright.problem.v1 import reason_pb2
from archwright.serving.status import to_status

METHODS = [pytest.param(method, id=method.path) for method in contract().methods()]

# Why a task failed. These stand in histories and on tasks; no call is ever refused with one of them.
REASONS_OF_TASKS = {"EXPRESSION_FAILED", "TIME_LIMIT_PASSED", "LEASE_EXPIRED", "OUTPUT_MISMATCH", "AGENT_FAULT"}

REASONS = {name for name, number in reason_pb2.Reason.items() if number}


@pytest.mark.parametrize("method", METHODS)
def test_every_rpc_says_who_may_call_it(method: Method) -> None:
    assert method.has_access_rule
    assert bool(method.roles) != method.anonymous
    assert "role_unspecified" not in method.roles


@pytest.mark.parametrize("method", METHODS)
def test_every_rpc_documents_its_errors(method: Method) -> None:
    assert method.documents_errors, "its comment has no `Errors:` list"
    for failure in method.failures:
        assert failure.reason in REASONS
        assert failure.code == to_status(BY_REASON[failure.reason](""))[0].name


@pytest.mark.parametrize("method", METHODS)
def test_every_rpc_says_in_a_sentence_what_it_does(method: Method) -> None:
    assert method.comment.split("\n\n")[0].endswith(".")


def test_every_reason_of_a_call_is_an_error_in_code_and_the_other_way_round() -> None:
    assert set(BY_REASON) == REASONS - REASONS_OF_TASKS


def test_the_reasons_of_tasks_are_in_the_protos() -> None:
    assert REASONS_OF_TASKS <= REASONS


@pytest.mark.parametrize("reason", sorted(BY_REASON))
def test_every_reason_has_the_code_that_its_comment_names(reason: str) -> None:
    comment = contract().comments[f"archwright.problem.v1.Reason.{reason}"]
    code = to_status(BY_REASON[reason](""))[0]

    assert comment.partition(":")[0] == code.name
    assert code in set(grpc.StatusCode)
