"""One mesh for each module, and agents that the tests write themselves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest
from checker import violations
from players import Players, players
from small_mesh import SmallMesh, small_mesh

from archwright import Client, stubs
from archwright.channel import open_channel


@pytest.fixture(scope="module")
async def mesh(database: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    """A mesh whose database is held to the invariants at the end."""
    dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
    async with small_mesh(tmp_path_factory.mktemp("mesh"), database.owner_dsn, dsn_of) as found:
        yield found
    assert await violations(database.owner_dsn) == []


@pytest.fixture(scope="module")
async def cast(mesh: SmallMesh) -> AsyncIterator[Players]:
    async with players(mesh) as found:
        yield found


@pytest.fixture(scope="module")
async def client(mesh: SmallMesh) -> AsyncIterator[Client]:
    async with mesh.client() as found:
        yield found


@pytest.fixture(scope="module")
async def workflows(mesh: SmallMesh) -> AsyncIterator[Any]:
    """The calls on workflows as they are in the contract, already allowed."""
    token, _ = mesh.signer.sign(subject="ann", tenant="acme", roles=["viewer", "operator"], ttl_seconds=600)
    async with open_channel(f"http://{mesh.address}") as channel:
        stub = stubs.workflows(channel)
        metadata = (("authorization", f"Bearer {token}"),)

        class Allowed:
            def __getattr__(self, name: str) -> Any:
                return partial(getattr(stub, name), metadata=metadata, timeout=10)

        yield Allowed()
