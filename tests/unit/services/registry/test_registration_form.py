"""What an agent may say of itself."""

from __future__ import annotations

from typing import Any

import pytest

from archwright.errors import RequestInvalid
from services.registry.domain.agent import CapabilityDetail
from services.registry.domain.registration import Registration


def registration(**changes: Any) -> Registration:
    fields = {
        "tenant": "acme",
        "agent_id": "a1",
        "agent_type": "developer",
        "capabilities": ("code", "review@2.1"),
        "max_concurrent_tasks": 1,
        "health_check_url": "",
        "labels": {"zone": "eu-1", "example.com/tier": ""},
    } | changes
    return Registration(**fields)


@pytest.mark.parametrize("url", ["", "http://host:8080/healthz", "https://[::1]/", "grpc://host:50051"])
def test_a_well_formed_registration_passes(url: str) -> None:
    assert registration(health_check_url=url).health_check_url == url


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("agent_id", "a/b"),
        ("agent_id", "a" * 129),
        ("agent_id", "-a"),
        ("agent_id", "a\n"),
        ("agent_type", ""),
        ("agent_type", "Developer"),
        ("agent_type", "a" * 65),
        ("max_concurrent_tasks", -1),
        ("max_concurrent_tasks", 1001),
        ("health_check_url", "ftp://host"),
        ("health_check_url", "http://"),
        ("health_check_url", "http://[bad"),
        ("health_check_url", "http://host/\x00"),
        ("capabilities", tuple(f"c{n}" for n in range(65))),
        ("labels", {f"l{n}": "" for n in range(33)}),
        ("labels", {"a b": ""}),
    ],
)
def test_a_field_that_is_wrong_is_named(field: str, wrong: object) -> None:
    with pytest.raises(RequestInvalid) as refused:
        registration(**{field: wrong})

    assert [violation.field for violation in refused.value.violations] == [field]
    assert field in refused.value.message


@pytest.mark.parametrize("version", ["1.4.0", "1.4", "1", "2.0.0-rc.1", "1.0.0+build.7"])
def test_a_capability_may_have_a_semantic_version(version: str) -> None:
    assert registration(capabilities=(f"code@{version}",)).capabilities == (f"code@{version}",)


@pytest.mark.parametrize("version", ["", "latest", "1.x", "v1", "1.2.3.4", "01", "^1.2", "1.0.0-" + "a" * 40])
def test_a_version_that_no_range_could_hold_is_refused(version: str) -> None:
    with pytest.raises(RequestInvalid, match=r"must be a semantic one such as 1\.4\.0"):
        registration(capabilities=(f"code@{version}",))


def test_the_place_within_a_list_is_named() -> None:
    with pytest.raises(RequestInvalid) as refused:
        registration(capabilities=("code", "Two Words"), labels={"zone": "x" * 256})

    assert [violation.field for violation in refused.value.violations] == ["capabilities[1]", "labels.zone"]


def test_everything_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(RequestInvalid) as refused:
        registration(agent_id="", agent_type="", max_concurrent_tasks=0)

    assert {violation.field for violation in refused.value.violations} == {
        "agent_id",
        "agent_type",
        "max_concurrent_tasks",
    }


@pytest.mark.parametrize("schema", [{"description": "a\x00b"}, {"properties": {"\x00": {}}}, {"enum": ["\x00"]}])
def test_a_schema_that_no_database_can_keep_is_refused(schema: dict[str, object]) -> None:
    detail = CapabilityDetail("code", input_schema=schema)

    with pytest.raises(RequestInvalid, match=r"capability_details\[0\]\.input_schema holds a NUL character"):
        registration(capabilities=("code",), capability_details=(detail,))
