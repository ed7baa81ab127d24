"""The engine's store in PostgreSQL: what the commit writes, and what is read of it."""

from __future__ import annotations

import uuid

from services.engine.storage.commits import Commits
from services.engine.storage.database import Database
from services.engine.storage.workflows import Workflows


class PostgresStore(Commits, Workflows):
    """Both halves of the store over one database."""

    def __init__(self, database: Database, replica_id: uuid.UUID, *, accept_seconds: float = 5.0) -> None:
        Commits.__init__(self, database, replica_id, accept_seconds=accept_seconds)
        Workflows.__init__(self, database)
