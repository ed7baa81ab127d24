"""A replica for each test of a rule."""

from __future__ import annotations

import pytest
from one_replica import OneReplica, replica_on
from storages import MemoryStorage


@pytest.fixture
def replica() -> OneReplica:
    return replica_on(MemoryStorage())
