"""`archwright up --engines 2`: both engines work, and one goes on alone while the other is away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from archwright.local import programs
from archwright.local.processes import command_of

ARCHWRIGHT = Path(sys.executable).with_name("archwright")
REQUEST = Path(__file__).parents[3] / "examples" / "claims-platform.yaml"


@pytest.fixture
def pair(fresh_mesh: Any) -> Iterator[Any]:
    with fresh_mesh("--engines", "2") as mesh:
        mesh.hear("The mesh is up")
        yield mesh


def test_two_engines_share_the_work_and_one_takes_over_for_the_other(pair: Any, until: Any, tmp_path: Path) -> None:
    def archwright(*words: str) -> str:
        told = subprocess.run(
            [ARCHWRIGHT, *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=tmp_path,
            env=pair.environment(),
        )
        assert told.returncode == 0, told.stdout + told.stderr
        return told.stdout

    def answering() -> list[str]:
        told = json.loads(archwright("status", "--json"))
        return [each["address"] for each in told["engines"] if each["answers"]]

    engines = pair.record().engines
    assert len(set(engines)) == 2
    assert answering() == list(engines)
    assert f"2 answer: {', '.join(engines)}" in archwright("status")
    metrics = pair.record().metrics
    assert list(metrics) == ["engine", "engine 2", "realtime", "registry"]
    assert all(url in archwright("status") for url in metrics.values())
    assert f"engines           {', '.join(engines)} (gRPC)" in " ".join(pair.printed.splitlines())

    first, _ = [each for each in pair.processes() if command_of(each.pid).strip().endswith("services.engine")]
    os.kill(first.pid, signal.SIGKILL)
    pair.hear("starting it again")
    ended = archwright("run", "architecture_creation", "--input", str(REQUEST), "--watch")

    assert "completed" in ended
    pair.hear("is up again")
    until(lambda: answering() == list(engines))
    assert all("process_open_fds" in told_at(url) for url in metrics.values())
    agents = json.loads(archwright("agents", "list", "--json"))
    assert len(agents) == len(programs.ROLES)


def told_at(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read()).decode()


@pytest.mark.parametrize("count", ["0", "9", "two"])
def test_a_number_of_engines_that_cannot_be_is_refused(archwright: Any, count: str) -> None:
    refused = archwright("up", "--engines", count)

    assert refused.returncode == 2
    assert "--engines" in refused.stderr
