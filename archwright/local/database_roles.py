"""The services' own database roles, on a PostgreSQL that asks for passwords."""

from __future__ import annotations

import secrets
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from archwright.local.private import write_private

_CONNECT_SECONDS_MAX = 10.0


def as_user(dsn: str, user: str, password: str = "") -> str:
    """Return the DSN for another user of the same database."""
    parts = urlsplit(dsn)
    secret = f":{password}" if password else ""
    return urlunsplit(parts._replace(netloc=f"{user}{secret}@{parts.netloc.rpartition('@')[2]}"))


def password_for(dsn: str, file: Path) -> str:
    """Return the password that the services' roles shall have: none where the owner needs none either."""
    if not urlsplit(dsn).password:
        return ""
    if not file.exists():
        write_private(file, secrets.token_urlsafe(32).encode())
    return file.read_text()


async def set_password(owner_dsn: str, role: str, password: str) -> None:
    """Give the role the password, as the owner of the database."""
    # Only here: whoever uses the mesh's own PostgreSQL never waits for this import.
    import asyncpg  # noqa: PLC0415

    connection = await asyncpg.connect(owner_dsn, timeout=_CONNECT_SECONDS_MAX)
    try:
        # ALTER ROLE takes no parameters; the server itself quotes both.
        statement = await connection.fetchval(
            "SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)", role, password
        )
        await connection.execute(statement)
    finally:
        await connection.close()
