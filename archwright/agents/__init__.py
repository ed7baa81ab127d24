"""The contracts of this area, by version."""
