from __future__ import annotations

import base64

import pytest
from google.rpc.status_pb2 import Status

from archwright.errors import BY_REASON
from archwright.local.gateway_refusals import Refusal, refusals

REFUSALS = [pytest.param(refusal, id=refusal.when) for refusal in refusals(2 * 1024 * 1024)]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_both_forms_of_a_refusal_say_the_same(refusal: Refusal) -> None:
    padding = "=" * (-len(refusal.details) % 4)
    status = Status.FromString(base64.b64decode(refusal.details + padding))
    body = refusal.json

    assert body["code"] == status.code == refusal.grpc_status
    assert str(body["message"]).replace("%%", "%").startswith(status.message)


@pytest.mark.parametrize("refusal", REFUSALS)
def test_a_refusal_says_what_to_do_next(refusal: Refusal) -> None:
    assert refusal.error.reason in BY_REASON
    assert refusal.error.message.count(".") >= 1


def test_no_message_is_mistaken_for_a_format() -> None:
    text = refusals(1)[0].text

    assert "%" not in text.replace("%%", "")
