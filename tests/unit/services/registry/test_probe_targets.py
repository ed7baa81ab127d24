"""Which addresses health checks may ask: those that the operator listed, and no others."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from archwright.errors import RequestInvalid
from services.chassis.egress import Allowance
from services.registry.probe_targets import Target, first_allowed, require_allowed, target_of

METADATA = ipaddress.ip_address("169.254.169.254")


@given(st.ip_addresses())
def test_nothing_may_be_asked_by_default(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    assert not Allowance().permits("agent.example", address)


@pytest.mark.parametrize(
    ("listed", "host", "address", "permitted"),
    [
        ("10.0.0.0/8", "10.1.2.3", "10.1.2.3", True),
        ("10.0.0.0/8", "agent", "10.1.2.3", True),
        ("10.0.0.0/8", "agent", "11.1.2.3", False),
        ("10.0.0.0/8", "agent", "::ffff:10.1.2.3", True),
        ("10.0.0.0/8", "agent", "::ffff:127.0.0.1", False),
        ("agent", "agent", "192.168.1.1", True),
        ("agent", "agent2", "192.168.1.1", False),
        (".svc.local", "agent.svc.local", "192.168.1.1", True),
        (".svc.local", "svc.local", "192.168.1.1", False),
        (".svc.local", "evil-svc.local", "192.168.1.1", False),
        ("agent", "agent", "169.254.169.254", False),
        ("agent, 169.254.0.0/16", "agent", "169.254.169.254", True),
        ("agent", "agent", "fe80::1", False),
        ("agent", "agent", "fd00:ec2::254", False),
        ("agent", "agent", "100.100.100.200", False),
        ("agent", "agent", "127.0.0.1", False),
        ("agent", "agent", "::ffff:127.0.0.1", False),
        ("agent", "agent", "0.0.0.0", False),
        ("agent", "agent", "::", False),
        ("agent, 127.0.0.0/8", "agent", "127.0.0.1", True),
        ("::1/128", "localhost", "::1", True),
    ],
)
def test_the_list_is_held_against_the_address_and_the_name(
    listed: str, host: str, address: str, permitted: bool
) -> None:
    assert Allowance.read(listed).permits(host, ipaddress.ip_address(address)) is permitted


@pytest.mark.parametrize("entry", ["10.0.0.1/8", "http://host", "a b", "10.0.0.0/99", "host:80"])
def test_a_list_that_cannot_be_read_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match=r"is neither a host, nor a \.suffix of hosts, nor a network"):
        Allowance.read(f"agent,{entry}")


def test_a_name_that_resolves_to_several_addresses_is_asked_at_the_first_that_is_listed() -> None:
    target, listed = Target("http", "agent", 80, "/"), ipaddress.ip_address("10.0.0.1")

    assert first_allowed(target, [METADATA, listed], Allowance.read("10.0.0.0/8")) == listed
    assert first_allowed(target, [METADATA], Allowance.read("10.0.0.0/8, agent")) is None


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://agent/health?deep=1", Target("http", "agent", 80, "/health?deep=1")),
        ("https://Agent:8443", Target("https", "agent", 8443, "/")),
        (
            "grpc://[::1]:7000/archwright.agents.v1.DeveloperService",
            Target("grpc", "::1", 7000, "archwright.agents.v1.DeveloperService"),
        ),
        ("grpcs://agent", Target("grpcs", "agent", 50051, "")),
    ],
)
def test_a_url_names_a_host_a_port_and_what_is_asked_for(url: str, target: Target) -> None:
    assert target_of(url) == target


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://user:secret@10.0.0.1/", "holds a name or a password"),
        ("http://10.0.0.1:99999/", "names no port"),
        ("http://10.0.0.1/#top", "holds a fragment"),
        ("http://169.254.169.254/latest/meta-data", "add the host to ARCHWRIGHT_HEALTH_CHECK_ALLOW"),
        ("http://127.0.0.1:6379/", "add the host to ARCHWRIGHT_HEALTH_CHECK_ALLOW"),
        ("http://[::ffff:127.0.0.1]/", "add the host to ARCHWRIGHT_HEALTH_CHECK_ALLOW"),
    ],
)
def test_a_url_that_may_not_be_asked_is_refused_with_the_way_out(url: str, why: str) -> None:
    with pytest.raises(RequestInvalid, match=why):
        require_allowed(url, Allowance.read("10.0.0.0/8"))


def test_without_a_list_every_name_is_refused_and_no_url_is_fine() -> None:
    require_allowed("", Allowance())
    with pytest.raises(RequestInvalid, match=r"names agent\.example, which the registry may not ask"):
        require_allowed("https://agent.example/", Allowance())


@pytest.mark.parametrize(
    ("url", "authority"),
    [("http://agent/", "agent:80"), ("https://10.0.0.1:8443", "10.0.0.1:8443"), ("grpc://[::1]:7000", "[::1]:7000")],
)
def test_requests_name_the_host_as_the_url_does(url: str, authority: str) -> None:
    assert target_of(url).authority == authority
