from __future__ import annotations

import pytest

from archwright.local.programs import as_user


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("postgresql://postgres@/archwright?host=/tmp/x", "postgresql://archwright_engine@/archwright?host=/tmp/x"),
        ("postgresql://me:p%40ss@db:5433/work", "postgresql://archwright_engine:p%40ss@db:5433/work"),
        ("postgresql://db/work?sslmode=require", "postgresql://archwright_engine@db/work?sslmode=require"),
    ],
)
def test_a_service_connects_to_the_same_database_as_a_user_of_its_own(dsn: str, expected: str) -> None:
    assert as_user(dsn, "archwright_engine") == expected
