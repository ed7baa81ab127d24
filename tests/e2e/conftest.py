"""A small mesh for each test that kills something, and a whole one for those that do not."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from small_mesh import SmallMesh, small_mesh
from whole_mesh import WholeMesh, whole_mesh

Meshes = Callable[..., AbstractAsyncContextManager[SmallMesh]]


@pytest.fixture
def meshes(database: Any, tmp_path: Path) -> Meshes:
    """Makes small meshes on this module's database."""

    def make(*, replicas: int = 1, **settings: str) -> AbstractAsyncContextManager[SmallMesh]:
        dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
        return small_mesh(tmp_path, database.owner_dsn, dsn_of, replicas=replicas, **settings)

    return make


@pytest.fixture
async def mesh(meshes: Meshes) -> AsyncIterator[SmallMesh]:
    """One small mesh with the default settings."""
    async with meshes() as found:
        yield found


@pytest.fixture(scope="module")
async def shared_mesh(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    """One small mesh, on a database of its own, for those tests of a module that leave it up."""
    async with databases() as own:
        dsn_of = {user: own.dsn(user) for user in ("archwright_engine", "archwright_registry")}
        async with small_mesh(tmp_path_factory.mktemp("mesh"), own.owner_dsn, dsn_of) as found:
            yield found


@pytest.fixture(scope="session", name="whole_mesh")
def mesh_of_the_session() -> Iterator[WholeMesh]:
    """Everything that `archwright up` starts, once for all tests that only look at it from outside."""
    with whole_mesh() as found:
        yield found
