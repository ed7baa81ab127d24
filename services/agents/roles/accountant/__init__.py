"""The accountant: what it costs to build and to run, what that is worth today, and whether the budget suffices."""
