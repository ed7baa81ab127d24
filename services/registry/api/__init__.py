"""The registry as its callers see it."""
