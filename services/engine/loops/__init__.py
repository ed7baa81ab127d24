"""Duties that go on in the background, one per file."""
