"""The systems that there are adapters for."""
