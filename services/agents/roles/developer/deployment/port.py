"""What the developer needs of whoever could deploy: a plan, and never more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from archwright.agents.v1.developer_pb2 import DeploymentPlan


class DeployProvider(Protocol):
    """Says what deploying would change. It has no way to deploy."""

    @property
    def name(self) -> str:
        """Who it is, as a plan names its source."""

    async def plan(self, files: Mapping[str, bytes]) -> DeploymentPlan:
        """Return what these files, by path, would change; raises DependencyUnavailable, or PayloadInvalid.

        The former means that nobody answered well, the latter that the code cannot be planned.
        """
