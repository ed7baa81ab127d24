"""The embedded provider: every resource of the code is to be added, since nothing is known of what is there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from archwright.agents.v1.developer_pb2 import DeploymentPlan
from archwright.errors import PayloadInvalid

_MODULE = ".tf.json"


class DryRun:
    """Reads Terraform's JSON syntax, and asks nobody."""

    @property
    def name(self) -> str:
        """Who it is."""
        return "dry run"

    async def plan(self, files: Mapping[str, bytes]) -> DeploymentPlan:
        """Return what these files would add."""
        return self.read(files)

    def read(self, files: Mapping[str, bytes]) -> DeploymentPlan:
        """Return what these files would add, without waiting for anybody; raises PayloadInvalid naming the file."""
        resources = sorted(
            address
            for path, content in files.items()
            if path.endswith(_MODULE)
            for address in _addresses(path, content)
        )
        return DeploymentPlan(provider=self.name, additions=len(resources), resources=resources)


def _addresses(path: str, content: bytes) -> Iterator[str]:
    try:
        module: Any = json.loads(content)
        resources = module.get("resource", {})
        found = [(f"{kind}.{name}", body) for kind, named in resources.items() for name, body in named.items()]
    except (ValueError, AttributeError) as error:
        raise PayloadInvalid(f"{path} is no Terraform module in JSON: {error}") from error
    for address, body in found:
        count = body.get("count", 1) if isinstance(body, dict) else 1
        if isinstance(count, int) and count != 1:
            yield from (f"{address}[{number}]" for number in range(count))
        else:
            yield address
