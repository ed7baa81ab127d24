"""The engine: keeps workflows, decides what happens next, and hands tasks to agents."""
