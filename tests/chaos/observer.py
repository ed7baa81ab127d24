"""Stands in the database and writes down how each task went: an engine that believes a stale result cannot hide it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import asyncpg
from checker import Facts

from archwright import ids
from services.engine.domain.events import TaskCompleted

_WATCH = """
CREATE SCHEMA observer;
CREATE TABLE observer.ends (task_id uuid NOT NULL, attempt integer NOT NULL);
CREATE FUNCTION observer.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  IF OLD.lease_id IS NOT NULL THEN
    INSERT INTO observer.ends VALUES (OLD.task_id, OLD.attempt);
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER observed AFTER DELETE ON engine.open_tasks FOR EACH ROW EXECUTE FUNCTION observer.note();
"""

Ends = Collection[tuple[str, int]]
"""Tasks that went while an agent held them, each with the attempt that it held."""


async def observe(owner_dsn: str) -> None:
    """Begin to write down."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        await connection.execute(_WATCH)
    finally:
        await connection.close()


async def observed(owner_dsn: str) -> Ends:
    """Return what was written down."""
    connection = await asyncpg.connect(owner_dsn)
    try:
        rows = await connection.fetch("SELECT task_id, attempt FROM observer.ends")
    finally:
        await connection.close()
    return {(ids.show("task", row["task_id"]), row["attempt"]) for row in rows}


def stale_results(facts: Facts, ends: Ends) -> Iterator[str]:
    """Yield the results that counted although no agent held that attempt any more."""
    for found in facts.workflows:
        for event in found.events:
            if isinstance(event, TaskCompleted) and (event.task_id, event.attempt) not in ends:
                yield f"I6 the result of attempt {event.attempt} at task {event.task_id} counted, which nobody held"
