"""The infrastructure architect: where the system runs, on how much, and how it survives."""
