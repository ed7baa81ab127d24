"""The event bus: what happened to workflows, told to whoever wants to know.

At least once, in no promised order: subscribers drop what they have seen and restore the order by `seq`. The bus
is a hint; the truth is the engine's history, and everything here may be lost without losing a workflow.
"""
