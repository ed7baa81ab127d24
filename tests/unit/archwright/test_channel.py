"""Addresses, and whom a channel trusts."""

from __future__ import annotations

from pathlib import Path

import pytest

from archwright.channel import bearer, open_channel
from archwright.errors import RequestInvalid


@pytest.mark.parametrize(
    "address", ["", "localhost", "host:port", "ftp://host:1", "https://host", "http://host:1/api", "host:1?x=1"]
)
async def test_what_is_no_address_is_refused_by_name(address: str) -> None:
    with pytest.raises(RequestInvalid, match="is no address of a server") as raised:
        open_channel(address)
    assert raised.value.facts == {"address": address}


@pytest.mark.parametrize("address", ["127.0.0.1:1", "http://localhost:1", "https://127.0.0.1:1/", "[::1]:1"])
async def test_an_address_may_name_its_protection_or_leave_it_open(address: str) -> None:
    channel = open_channel(address)
    await channel.close()


async def test_a_ca_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(RequestInvalid, match=r"gone\.pem' cannot be read"):
        open_channel("https://127.0.0.1:1", ca_file=tmp_path / "gone.pem")


def test_a_call_without_a_token_shows_none() -> None:
    assert bearer("") == ()
    assert bearer("abc") == (("authorization", "Bearer abc"),)
