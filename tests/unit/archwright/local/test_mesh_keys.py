from __future__ import annotations

import stat
from pathlib import Path

from archwright.local import keys
from archwright.serving.tokens import TokenVerifier


def test_the_signing_key_outlives_a_restart_of_the_mesh(tmp_path: Path) -> None:
    key = keys.ensure(tmp_path).signing_key_file.read_bytes()

    assert keys.ensure(tmp_path).signing_key_file.read_bytes() == key


def test_the_enrolment_token_is_good_for_enrolling_agents_of_the_platform(tmp_path: Path) -> None:
    made = keys.ensure(tmp_path)
    caller = TokenVerifier(made.jwks_file, keys.ISSUER, keys.AUDIENCE).verify(made.enrolment_token_file.read_text())

    assert (caller.tenant, caller.roles) == ("platform", {"enrolment"})


def test_the_service_token_is_good_for_calls_between_services(tmp_path: Path) -> None:
    made = keys.ensure(tmp_path)
    caller = TokenVerifier(made.jwks_file, keys.ISSUER, keys.AUDIENCE).verify(made.service_token_file.read_text())

    assert (caller.subject, caller.roles) == ("engine", {"service"})


def test_only_the_owner_may_read_the_keys(tmp_path: Path) -> None:
    keys.ensure(tmp_path)

    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
