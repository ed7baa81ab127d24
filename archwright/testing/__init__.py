"""Test agents without a mesh: a task in the hand, an engine that one scripts, and a clock that one winds.

`performed` calls one function. `at_work` runs a whole agent, with the real rules of its side, against a
`ScriptedEngine`: assign, cancel, lose a lease, break the stream, and see what the agent says.
"""

from archwright.testing.clock import WoundClock
from archwright.testing.engine import ScriptedEngine, ScriptedStream, at_work
from archwright.testing.performing import File, Performed, performed

__all__ = ["File", "Performed", "ScriptedEngine", "ScriptedStream", "WoundClock", "at_work", "performed"]
