"""Whom services may connect to when others name the host: the internet, and what the operator lists."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import pytest

from services.chassis.egress import Address, Allowance, Forbidden, Guard, is_public, resolve

PUBLIC = "93.184.215.14"


def guard(*answers: str, allowed: str = "") -> Guard:
    """Return a guard for which every name has these addresses."""

    async def answer(host: str, port: int) -> Sequence[Address]:
        return [ipaddress.ip_address(address) for address in answers]

    return Guard(Allowance.read(allowed), "ARCHWRIGHT_SOME_ALLOW", answer)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.0.1", "100.100.100.200", "168.63.129.16", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
        *("::", "::1", "fe80::1", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:1::1"),
    ],
)
async def test_what_is_not_of_the_internet_is_refused(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))
    with pytest.raises(Forbidden, match=r"hooks\.example is at no address.*ARCHWRIGHT_SOME_ALLOW"):
        await guard(address).address_of("hooks.example", 443)


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07::1", f"::ffff:{PUBLIC}"])
async def test_the_internet_is_open(address: str) -> None:
    assert str(await guard(address).address_of("hooks.example", 443)) in {PUBLIC, "2606:2800:21f:cb07::1"}


@pytest.mark.parametrize(
    "host", ["0x7f000001", "2130706433", "017700000001", "127.1", "0177.0.0.1", "127.0.0.0x1", "10.0", "", "1.2.3.4.5"]
)
async def test_a_notation_that_hides_an_address_is_refused(host: str) -> None:
    with pytest.raises(Forbidden, match="hides an address"):
        await guard(PUBLIC).address_of(host, 443)


@pytest.mark.parametrize(
    ("allowed", "host", "address"),
    [
        ("hooks.internal", "hooks.internal", "10.1.2.3"),
        ("hooks.internal", "HOOKS.internal.", "10.1.2.3"),
        (".internal", "hooks.internal", "fd12::1"),
        ("10.0.0.0/8", "anything", "10.1.2.3"),
        ("127.0.0.0/8", "localhost", "127.0.0.1"),
        ("127.0.0.0/8", "127.0.0.1", "::ffff:127.0.0.1"),
    ],
)
async def test_what_the_operator_lists_is_open(allowed: str, host: str, address: str) -> None:
    found = await guard(address, allowed=allowed).address_of(host, 443)

    assert str(found) == address.removeprefix("::ffff:")


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "::ffff:169.254.169.254", "::1"])
async def test_a_listed_name_opens_neither_this_machine_nor_the_clouds_secrets(address: str) -> None:
    with pytest.raises(Forbidden):
        await guard(address, allowed="hooks.internal").address_of("hooks.internal", 443)


async def test_of_several_addresses_one_that_passes_is_taken() -> None:
    assert str(await guard("127.0.0.1", PUBLIC).address_of("hooks.example", 443)) == PUBLIC


async def test_names_of_this_machine_are_looked_up() -> None:
    assert {str(address) for address in await resolve("localhost", 80)} <= {"127.0.0.1", "::1"}
