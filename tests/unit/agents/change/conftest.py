from __future__ import annotations

import pytest
from library import LIBRARY

from services.agents.model.baseline import read_baseline
from services.agents.model.graph import Model


@pytest.fixture(scope="session")
def library() -> Model:
    """A lending library as its architects drew it."""
    return read_baseline(LIBRARY.encode())
