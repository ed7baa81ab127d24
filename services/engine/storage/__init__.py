"""The truth, in PostgreSQL."""
