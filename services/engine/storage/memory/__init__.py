"""The engine's storage in memory: the twin of what PostgreSQL keeps, for tests and the simulation.

It obeys the same guards and is held to the same promises by one contract suite. No call ever gives way in its midst,
so each is a transaction; time is that of a Clock, which stands for the database's own.
"""
