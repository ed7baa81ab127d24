"""The agents, kept: in PostgreSQL, and in memory for tests."""
