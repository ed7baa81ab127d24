"""Everything that `archwright up` starts, for tests that look at it from outside and leave it as they found it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from archwright.client.local import sign_token
from archwright.local.state import MeshNotUp, MeshRecord, find

ARCHWRIGHT = Path(sys.executable).with_name("archwright")
GUARDIAN = Path(__file__).parents[1] / "guardian.py"
START_SECONDS_MAX = 90.0
COMMAND_SECONDS_MAX = 60.0


@dataclass(frozen=True, slots=True)
class WholeMesh:
    """A mesh that is up, and how to reach it."""

    state: Path
    record: MeshRecord

    @property
    def gateway_port(self) -> int:
        return int(self.record.gateway.rpartition(":")[2])

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of somebody who works with this mesh."""
        return _environment() | {"ARCHWRIGHT_STATE": str(self.state)}

    def token(self, *roles: str, tenant: str = "default", subject: str = "ann", ttl_seconds: float = 600) -> str:
        return sign_token(self.record, tenant=tenant, roles=roles, subject=subject, ttl_seconds=ttl_seconds)

    def archwright(self, *words: str, folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command as a person does, in a folder of theirs."""
        return subprocess.run(
            [ARCHWRIGHT, *words],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=COMMAND_SECONDS_MAX,
            cwd=folder,
            env=self.environment,
        )


@contextmanager
def whole_mesh() -> Iterator[WholeMesh]:
    """Run a mesh under a guardian, which takes it down even where these tests are killed."""
    # A socket's path may have about a hundred characters; the folders that pytest makes are longer.
    folder = Path(tempfile.mkdtemp(prefix="archwright-test-", dir="/tmp"))
    state = folder / "state"
    command = [str(ARCHWRIGHT), "up", "--state", str(state)]
    with subprocess.Popen(
        [sys.executable, str(GUARDIAN), str(folder), str(int(signal.SIGINT)), "--", *command],
        stdin=subprocess.PIPE,
        env=_environment(),
        start_new_session=True,
    ) as guardian:
        try:
            yield WholeMesh(state, _record(state, guardian))
        finally:
            assert guardian.stdin is not None
            guardian.stdin.close()
            guardian.wait(START_SECONDS_MAX)
            shutil.rmtree(folder, ignore_errors=True)


def _record(state: Path, guardian: subprocess.Popen[bytes]) -> MeshRecord:
    deadline = time.monotonic() + START_SECONDS_MAX
    while True:
        try:
            return find(state)
        except MeshNotUp:
            assert guardian.poll() is None, "The mesh did not come up; see its words above."
            assert time.monotonic() < deadline, f"The mesh did not come up within {START_SECONDS_MAX:g} s."
            time.sleep(0.05)


def _environment() -> dict[str, str]:
    """Return an environment without whatever the person at this machine has set for Archwright."""
    return {name: value for name, value in os.environ.items() if not name.startswith("ARCHWRIGHT_")}
