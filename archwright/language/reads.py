"""Who reads whose output, worked out once: so that the engine keeps an output just as long as somebody may read it.

An expression in a body may read steps of the same body, of the bodies around it, and steps inside of others that come
before it. The body that reader and read have in common, the innermost around both, is where the output is looked up;
on its way there an output is handed outwards by each body that ends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BodyReads:
    """What becomes of outputs in one body: how many read each there, and which are handed outwards at its end."""

    readers: Mapping[str, int]
    exports: frozenset[str]


@dataclass(slots=True)
class Reads:
    """The reading that was found so far, over bodies and nodes that are known by their numbers.

    `parents` gives for each body the body around it and the node there that it belongs to; the root has None.
    """

    parents: Sequence[tuple[int, int] | None]
    bodies_of: Mapping[str, int]
    _of_nodes: dict[int, set[str]] = field(default_factory=dict)
    _readers: dict[int, dict[str, set[int]]] = field(default_factory=dict)
    _exports: dict[int, set[str]] = field(default_factory=dict)

    def read(self, name: str, body: int, node: int | None) -> int:
        """Note that a node of a body reads a step; None as the node is the end of the body itself.

        Return the body in which the output is looked up.
        """
        above_reader = self._around(body)
        above_read = self._around(self.bodies_of[name])
        shared = next(each for each in above_read if each in above_reader)
        for passed in above_read:
            if passed == shared:
                break
            self._exports.setdefault(passed, set()).add(name)
        reader = -1 if node is None else node
        for passed in above_reader:
            if passed == shared:
                break
            parent = self.parents[passed]
            assert parent is not None  # the shared body is around this one
            reader = parent[1]
        self._readers.setdefault(shared, {}).setdefault(name, set()).add(reader)
        if reader >= 0:
            self._of_nodes.setdefault(reader, set()).add(name)
        return shared

    def of_node(self, node: int) -> frozenset[str]:
        """Return the steps that a node reads in its own body, those read by what is inside of it among them."""
        return frozenset(self._of_nodes.get(node, ()))

    def of_body(self, body: int) -> BodyReads:
        """Return what becomes of outputs in a body."""
        exports = frozenset(self._exports.get(body, ()))
        readers = {name: len(found) for name, found in self._readers.get(body, {}).items()}
        for name in exports:
            readers[name] = readers.get(name, 0) + 1
        return BodyReads(readers, exports)

    def _around(self, body: int) -> Collection[int]:
        """Return a body and all bodies around it, the innermost first."""
        found = {body: None}
        while (parent := self.parents[body]) is not None:
            body = parent[0]
            found[body] = None
        return found
