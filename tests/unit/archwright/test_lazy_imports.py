"""Importing archwright costs nothing until something is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import archwright


def modules_after(statement: str) -> set[str]:
    """Return what a fresh interpreter has loaded after a statement."""
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_importing_archwright_loads_no_library() -> None:
    assert not modules_after("import archwright") & {"grpc", "pydantic", "orjson", "google.protobuf", "asyncio"}


def test_defining_an_agent_loads_no_grpc() -> None:
    assert "grpc" not in modules_after("from archwright import Agent, Task, Transient")


def test_every_name_that_is_offered_is_there() -> None:
    for name in archwright.__all__:
        assert getattr(archwright, name).__name__ == name
        assert name in dir(archwright)


def test_a_name_that_is_not_offered_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Agnet'"):
        _ = archwright.Agnet  # type: ignore[attr-defined]
