"""A Valkey of a test's own, to be killed and frozen."""

from __future__ import annotations

from pathlib import Path

from own_server import OwnServer

from archwright.local.valkey import Valkey


class OwnRedis(OwnServer):
    """Nobody else's Redis."""

    def __init__(self, folder: Path) -> None:
        valkey = Valkey(folder, folder / "socket")
        super().__init__(valkey.serving())
        self.url = valkey.url
