"""Write an agent: functions that do tasks, and everything around them that keeps the engine's rules.

`session` holds the rules and touches no network; `transport` carries frames; `worker` runs the functions.
"""
