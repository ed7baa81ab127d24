"""Alembic's entry: runs the migrations on the connection that `chassis.postgres.migrate` hands over."""

from __future__ import annotations

from alembic import context

attributes = context.config.attributes
context.configure(
    connection=attributes["connection"], version_table="schema_version", version_table_schema=attributes["schema"]
)
with context.begin_transaction():
    context.run_migrations()
