"""What a call says of itself."""

from __future__ import annotations

import pytest

from archwright.serving.calls import Call
from archwright.serving.tokens import ANONYMOUS


def call(peer: str = "", deadline: float | None = None, **metadata: str) -> Call:
    named = {name.replace("_", "-"): value for name, value in metadata.items()}
    return Call(ANONYMOUS, named, "/package.Service/Method", peer, deadline)


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("ipv4:10.0.0.7:51234", "10.0.0.7"),
        ("ipv6:%5B::1%5D:51234", "::1"),
        ("ipv6:[2001:db8::7]:443", "2001:db8::7"),
        ("unix:/run/engine", ""),
        ("", ""),
    ],
)
def test_the_address_is_the_peers_without_its_port(peer: str, address: str) -> None:
    assert call(peer).ip_address == address


def test_through_the_gateway_the_address_is_what_the_gateway_saw() -> None:
    assert call("ipv4:10.0.0.7:1", x_envoy_external_address="203.0.113.9").ip_address == "203.0.113.9"


def test_a_call_without_a_deadline_has_all_the_time() -> None:
    assert call().time_remaining() is None


def test_the_time_remaining_is_never_below_zero() -> None:
    assert call(deadline=0.0).time_remaining() == 0.0
