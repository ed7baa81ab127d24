"""The events: their contract by version, and the catalogue of their types."""
