"""A child as small as can be: listens, says that it is ready, and ends when told, or when its parent is gone."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys


def main() -> None:
    name, *habits = sys.argv[1:]
    if "stubborn" in habits:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "broken" in habits:
        print("the disk is full", flush=True)
        sys.exit(3)
    with socket.create_server(("127.0.0.1", int(os.environ.get("TINY_PORT", "0")))) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        print(f"{name} says hello", flush=True)
        if "silent" not in habits:
            print(json.dumps({"event": "ready", "service": name, "address": address, "pid": os.getpid()}), flush=True)
        parent = int(os.environ["ARCHWRIGHT_PARENT_PIPE_FD"])
        select.select([parent] if "deaf" not in habits else [], [], [])


if __name__ == "__main__":
    main()
