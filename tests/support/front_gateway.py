"""The real gateway in front of a small mesh, for agents and people who come from outside."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from running_envoy import RunningEnvoy, free_port
from small_mesh import AUDIENCE, ISSUER, SmallMesh

from archwright import Client
from archwright.local import certificates
from archwright.local.gateway_config import GatewayConfig, Upstream
from archwright.local.gateway_descriptors import descriptors


@dataclass(frozen=True)
class FrontGateway:
    """Where it is, and whom its callers have to trust."""

    mesh: SmallMesh
    url: str
    ca_file: Path

    @property
    def for_agents(self) -> dict[str, str]:
        """Return the settings of an agent that comes through it."""
        return {
            "ARCHWRIGHT_ENGINE_ADDRESS": self.url,
            "ARCHWRIGHT_REGISTRY_ADDRESS": self.url,
            "ARCHWRIGHT_CA_FILE": str(self.ca_file),
        }

    def client(self) -> Client:
        """Return a client of a person who comes through it."""
        token, _ = self.mesh.signer.sign(
            subject="ann", tenant="acme", roles=["viewer", "operator", "admin"], ttl_seconds=600
        )
        return Client(self.url, token, self.ca_file)


@asynccontextmanager
async def gateway_before(mesh: SmallMesh, folder: Path) -> AsyncIterator[FrontGateway]:
    """Run a gateway in front of all engines and the registry of a mesh."""
    folder.mkdir()
    files = certificates.ensure(folder, datetime.fromtimestamp(time.time(), UTC))
    descriptors_file = folder / "descriptors.binpb"
    descriptors_file.write_bytes(descriptors())
    config = GatewayConfig(
        listen=f"127.0.0.1:{free_port()}",
        admin=f"127.0.0.1:{free_port()}",
        tls_cert_file=str(files.server_file),
        tls_key_file=str(files.server_key_file),
        jwks_file=str(mesh.folder / "jwks.json"),
        token_issuer=ISSUER,
        token_audience=AUDIENCE,
        descriptors_file=str(descriptors_file),
        engine=Upstream(tuple(engine.address for engine in mesh.engines)),
        registry=Upstream((mesh.registry.address,)),
        realtime=Upstream((mesh.registry.address,)),
    )
    envoy = RunningEnvoy(config, folder)
    try:
        await envoy.wait_ready()
        yield FrontGateway(mesh, f"https://{config.listen}", files.ca_file)
    finally:
        await envoy.stop()
