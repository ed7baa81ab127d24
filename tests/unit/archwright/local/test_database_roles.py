from __future__ import annotations

import stat
from pathlib import Path

import pytest

from archwright.local.database_roles import as_user, password_for


@pytest.mark.parametrize(
    ("dsn", "password", "expected"),
    [
        ("postgresql://postgres@/archwright?host=/tmp/x", "", "postgresql://engine@/archwright?host=/tmp/x"),
        ("postgresql://me:p%40ss@db:5433/work", "secret", "postgresql://engine:secret@db:5433/work"),
        ("postgresql://db/work?sslmode=require", "", "postgresql://engine@db/work?sslmode=require"),
    ],
)
def test_a_service_connects_to_the_same_database_as_a_role_of_its_own(dsn: str, password: str, expected: str) -> None:
    assert as_user(dsn, "engine", password) == expected


def test_where_the_owner_needs_no_password_the_services_need_none(tmp_path: Path) -> None:
    assert password_for("postgresql://postgres@/archwright?host=/tmp/x", tmp_path / "password") == ""


def test_the_services_password_is_made_once_and_for_the_owners_eyes_only(tmp_path: Path) -> None:
    file = tmp_path / "password"
    made = password_for("postgresql://me:secret@db/work", file)

    assert len(made) >= 32
    assert made == password_for("postgresql://me:secret@db/work", file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
