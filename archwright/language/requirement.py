"""What an agent must be to take a task, as text: the name of the queue that the task waits in.

A plain agent type is its own text, so the usual case is a comparison of words. Everything else is spelt out:
`business_analyst+capability:pricing@^1.2;region=eu`, labels in the order of their names, so that the same wish is
always the same text.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from .model import AgentTask
from .versions import Range, RangeInvalid, Version

_CAPABILITY = "capability:"


@dataclass(frozen=True, slots=True)
class Requirement:
    """An agent type, a capability (perhaps with a range of versions), labels; what is empty does not matter."""

    agent_type: str = ""
    capability: str = ""
    versions: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, task: AgentTask) -> Requirement:
        """Return what a step asks for."""
        capability, _, versions = task.capability.partition("@")
        return cls(task.agent_type, capability, " ".join(versions.replace(",", " ").split()), task.labels)

    @classmethod
    def read(cls, text: str) -> Requirement:
        """Return the requirement that `text` was made of."""
        return _read(text)

    @property
    def text(self) -> str:
        """The requirement as text; `read` gives it back."""
        capability = f"{_CAPABILITY}{self.capability}" if self.capability else ""
        if self.versions:
            capability += f"@{self.versions}"
        what = "+".join(part for part in (self.agent_type, capability) if part)
        return what + "".join(f";{name}={_escaped(value)}" for name, value in sorted(self.labels.items()))

    @property
    def is_plain(self) -> bool:
        """Whether it is an agent type and nothing more."""
        return not self.capability and not self.labels

    def is_met_by(self, agent_type: str, capabilities: Collection[str], labels: Mapping[str, str]) -> bool:
        """Return whether an agent is what is asked for; its capabilities are `name` or `name@version`."""
        if self.agent_type and self.agent_type != agent_type:
            return False
        if any(labels.get(name) != value for name, value in self.labels.items()):
            return False
        return not self.capability or any(self._is_offered(capability) for capability in capabilities)

    def _is_offered(self, capability: str) -> bool:
        name, _, offered = capability.partition("@")
        if name != self.capability:
            return False
        if not self.versions or self.versions == offered:
            return True
        version = Version.read(offered)
        try:
            return version is not None and Range.read(self.versions).holds(version)
        except RangeInvalid:  # of a definition that was never checked; then nothing but the same text is meant
            return False


@lru_cache(maxsize=4096)
def _read(text: str) -> Requirement:
    what, *labels = text.split(";")
    agent_type, separator, capability = what.partition(_CAPABILITY)
    name, _, versions = capability.partition("@")
    return Requirement(
        agent_type=agent_type.removesuffix("+") if separator else agent_type,
        capability=name,
        versions=versions,
        labels={name: _unescaped(value) for name, _, value in (label.partition("=") for label in labels)},
    )


def _escaped(value: str) -> str:
    return value.replace("%", "%25").replace(";", "%3B")


def _unescaped(value: str) -> str:
    return value.replace("%3B", ";").replace("%25", "%")
