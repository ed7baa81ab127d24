"""Commits what finished workflows made to git repositories of architecture models."""
