"""Runs the commands of a guide as they are written, in one shell, against a mesh that is up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from documents import blocks

SECONDS_MAX = 180.0


def place_beside(whole_mesh: Any, folder: Path) -> Path:
    """Return the folder, where commands find the mesh as they do beside its state."""
    (folder / ".archwright").symlink_to(whole_mesh.state)
    return folder


def printed_by(guide: str, sections: Sequence[str], whole_mesh: Any, place: Path) -> dict[str, str]:
    """Return what the commands of each section printed, errors among it; all of them succeed."""
    script = ["set -e"]
    for section in sections:
        script += [f"echo '@@@ {section}'", *blocks(guide, section, "console")]
    shell = subprocess.run(
        ["bash", "-s"],
        input="\n".join(script).replace("localhost:8443", f"localhost:{whole_mesh.gateway_port}"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=place,
        env=environment(whole_mesh),
        timeout=SECONDS_MAX,
    )
    assert shell.returncode == 0, shell.stdout[-3000:]
    parts = (part.partition("\n") for part in shell.stdout.split("@@@ ")[1:])
    return {section: text for section, _, text in parts}


def said_by_python(guide: str, whole_mesh: Any, place: Path) -> str:
    """Return what the guide's program in Python printed; it succeeds."""
    [program] = blocks(guide, "From Python", "python")
    ran = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        cwd=place,
        env=environment(whole_mesh),
        timeout=SECONDS_MAX,
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def environment(whole_mesh: Any) -> dict[str, str]:
    """Return what a person's shell has: our commands on its path, and nothing that says of which mesh."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {name: text for name, text in whole_mesh.environment.items() if not name.startswith("ARCHWRIGHT_")} | {
        "PATH": path,
        "TZ": "UTC",
    }


@contextmanager
def working(program: Path, whole_mesh: Any) -> Iterator[None]:
    """Have an agent work that a guide shows."""
    reading, writing = os.pipe()
    with subprocess.Popen(
        [sys.executable, program.name],
        cwd=program.parent,
        env=whole_mesh.environment | {"ARCHWRIGHT_PARENT_PIPE_FD": str(reading)},
        pass_fds=[reading],
        stdout=subprocess.PIPE,
    ) as agent:
        os.close(reading)
        assert agent.stdout is not None
        assert agent.stdout.readline(), "the agent ended before it was ready"
        yield
        os.close(writing)
        agent.terminate()
