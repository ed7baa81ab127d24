"""What callers and agents can ask of the engine."""
