"""A small mesh for each test that kills something."""

import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

from small_mesh import SmallMesh, small_mesh

Meshes = Callable[..., AbstractAsyncContextManager[SmallMesh]]


@pytest.fixture
def meshes(database: Any, tmp_path: Path) -> Meshes:
    """Makes small meshes on this module's database."""

    def make(**settings: str) -> AbstractAsyncContextManager[SmallMesh]:
        users = ("archwright_engine", "archwright_registry")
        return small_mesh(tmp_path, database.owner_dsn, {user: database.dsn(user) for user in users}, **settings)

    return make


@pytest.fixture
async def mesh(meshes: Meshes) -> AsyncIterator[SmallMesh]:
    """One small mesh with the default settings."""
    async with meshes() as found:
        yield found
