"""Settings come from the environment, and what is wrong with them is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.chassis.settings import (
    DatabaseSettings,
    MigrationSettings,
    OutboundSettings,
    ServiceSettings,
    SettingsInvalid,
    read,
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("ARCHWRIGHT_POSTGRES_DSN", "postgresql://user@/db?host=/run/postgres")
    monkeypatch.setenv("ARCHWRIGHT_JWKS_FILE", "/etc/jwks.json")
    return monkeypatch


def test_what_is_not_set_has_its_default() -> None:
    settings = read(ServiceSettings)

    assert settings.address == "127.0.0.1:0"
    assert settings.server_tls is None
    assert settings.drain_seconds == 10


def test_what_is_set_is_read(environment: pytest.MonkeyPatch) -> None:
    for name, value in {"HOST": "::1", "PORT": "7001", "TLS_CERT_FILE": "/c", "TLS_KEY_FILE": "/k"}.items():
        environment.setenv(f"ARCHWRIGHT_{name}", value)

    settings = read(ServiceSettings)

    assert settings.address == "[::1]:7001"
    assert settings.server_tls is not None
    assert settings.server_tls.cert_file == Path("/c")


def test_every_wrong_variable_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.delenv("ARCHWRIGHT_POSTGRES_DSN")
    environment.setenv("ARCHWRIGHT_PORT", "70000")

    with pytest.raises(SettingsInvalid, match=r"ARCHWRIGHT_PORT: .*ARCHWRIGHT_POSTGRES_DSN: Field required") as wrong:
        read(DatabaseSettings)

    assert "70000" not in str(wrong.value)


def test_half_a_certificate_is_refused(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ARCHWRIGHT_TLS_CERT_FILE", "/c")

    with pytest.raises(SettingsInvalid, match="go together"):
        _ = read(ServiceSettings).server_tls


@pytest.mark.parametrize("text", [None, "no certificate"])
def test_a_file_of_authorities_that_holds_none_is_refused(
    environment: pytest.MonkeyPatch, tmp_path: Path, text: str | None
) -> None:
    file = tmp_path / "ca.pem"
    if text is not None:
        file.write_text(text)
    environment.setenv("ARCHWRIGHT_REDIS_URL", "redis://127.0.0.1:1/0")
    environment.setenv("ARCHWRIGHT_EGRESS_CA_FILE", str(file))

    with pytest.raises(SettingsInvalid, match=r"ARCHWRIGHT_EGRESS_CA_FILE: .* holds no certificates in PEM"):
        read(OutboundSettings)


def test_migrating_needs_the_owner() -> None:
    with pytest.raises(SettingsInvalid, match="ARCHWRIGHT_POSTGRES_OWNER_DSN"):
        read(MigrationSettings)
