"""The state folder: where a local mesh keeps its data, keys and logs, and says that it is up.

One mesh per folder. The lock says whether it is up, not `mesh.json`: a lock ends with the process that
holds it, however that process dies, while a file may outlive it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from archwright.errors import Conflict, Unavailable
from archwright.local.private import write_private
from archwright.local.processes import identify

STATE_VARIABLE = "ARCHWRIGHT_STATE"
DEFAULT_FOLDER = Path(".archwright")
LEFTOVER_SECONDS_MAX = 20.0
_POLL_SECONDS = 0.1


class StateInUse(Conflict):
    """Another `archwright up` holds the state folder."""


class MeshNotUp(Unavailable):
    """No mesh is up on the state folder."""


@dataclass(frozen=True, slots=True)
class MeshRecord:
    """Where a mesh that is up can be reached, and the files that a caller on this machine needs."""

    gateway: str
    engine: str
    """Every replica of the engine, with commas between them, as agents are told of them."""
    registry: str
    metrics: Mapping[str, str]
    """Where the engines and the registry tell their metrics, by their names: URLs for whoever scrapes them."""
    ca_file: str
    token_key_file: str
    enrolment_token_file: str
    token_issuer: str
    token_audience: str
    pid: int

    @property
    def engines(self) -> tuple[str, ...]:
        """Each replica of the engine."""
        return tuple(self.engine.split(","))

    @property
    def is_alive(self) -> bool:
        """Whether the supervisor that wrote this still runs."""
        return identify(self.pid) is not None


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The places in a state folder."""

    root: Path

    @property
    def record(self) -> Path:
        """Where the mesh says how to reach it, while it is up."""
        return self.root / "mesh.json"

    @property
    def lock(self) -> Path:
        """What the mesh holds while it is up."""
        return self.root / "lock"

    @property
    def certificates(self) -> Path:
        """The mesh's own authority and the servers' certificate."""
        return self.root / "certificates"

    @property
    def keys(self) -> Path:
        """The key that signs tokens, its public half, and the tokens the mesh gives its own parts."""
        return self.root / "keys"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's append-only files."""
        return self.root / "valkey"

    @property
    def logs(self) -> Path:
        """One log per child."""
        return self.root / "logs"

    def make(self) -> None:
        """Make the folders that are missing, for their owner's eyes only."""
        for folder in (self.root, self.certificates, self.keys, self.postgres, self.valkey, self.logs):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def folder(state: Path | None = None) -> StateFolder:
    """Return the state folder that was named, or else the environment's, or else `./.archwright`."""
    chosen = state or Path(os.environ.get(STATE_VARIABLE) or DEFAULT_FOLDER)
    return StateFolder(chosen.expanduser().absolute())


@contextlib.contextmanager
def hold(state: StateFolder, wait_seconds: float = LEFTOVER_SECONDS_MAX) -> Iterator[int]:
    """Keep every other mesh off the folder; raise `StateInUse` when one is there already.

    Gives the descriptor that holds the lock. Whoever inherits it holds the lock too: the reaper does, so that
    after the death of a supervisor nobody starts a second PostgreSQL on files that the first still writes.
    The lock file stays: removing it would let two processes hold two files of one name.
    """
    descriptor = os.open(state.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        _take(descriptor, state, wait_seconds)
        state.record.unlink(missing_ok=True)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int, state: StateFolder, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            record = _read(state)
            # Its supervisor is dead and its reaper is still stopping what was left: that takes seconds.
            is_ending = record is not None and not record.is_alive
            if not is_ending or time.monotonic() > deadline:
                raise StateInUse(_in_use(state, record)) from None
            time.sleep(_POLL_SECONDS)
        else:
            return


def write(state: StateFolder, record: MeshRecord) -> None:
    """Say that the mesh is up. Readers see the whole record or none."""
    write_private(state.record, orjson.dumps(asdict(record), option=orjson.OPT_INDENT_2))


def find(state: Path | None = None) -> MeshRecord:
    """Return how to reach the mesh that is up on the state folder, or raise `MeshNotUp`."""
    place = folder(state)
    record = _read(place)
    if record is None or not record.is_alive or not _is_held(place):
        raise MeshNotUp(
            f"No mesh is up on the state folder {place.root}. `archwright up` starts one; "
            f"--state or {STATE_VARIABLE} names another folder, --gateway a mesh elsewhere."
        )
    return record


def _read(state: StateFolder) -> MeshRecord | None:
    try:
        return MeshRecord(**orjson.loads(state.record.read_bytes()))
    except FileNotFoundError:
        return None


def _is_held(state: StateFolder) -> bool:
    try:
        descriptor = os.open(state.lock, os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _in_use(state: StateFolder, record: MeshRecord | None) -> str:
    where = f" as process {record.pid}, at {record.gateway}" if record else ", and is still starting"
    return (
        f"A mesh is up on the state folder {state.root} already{where}. Use that one, stop it with Ctrl-C in its "
        "terminal, or name another folder with --state."
    )
