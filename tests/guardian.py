"""Runs a real server for the tests, and ends it with them: `python guardian.py FOLDER SIGNAL [UID GID] -- program …`.

The tests hold the other end of its standard input. When that closes, also because pytest was killed, the server
is stopped and FOLDER removed. A fixture's own clean-up would not run then.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

GRACE_SECONDS = 10.0


def main(arguments: list[str]) -> None:
    split = arguments.index("--")
    folder, stop_signal, *identity = arguments[:split]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # only the end of the tests counts
    launch = [
        sys.executable,
        "-m",
        "archwright.local.launch",
        f"--parent={os.getpid()}",
        f"--stop-signal={stop_signal}",
    ]
    if identity:
        launch += [f"--user={identity[0]}", f"--group={identity[1]}"]
    with Path(folder, "log").open("wb") as log:
        server = subprocess.Popen(
            [*launch, "--", *arguments[split + 1 :]], stdin=subprocess.DEVNULL, stdout=log, stderr=log
        )
    threading.Thread(target=end_with_tests, args=(server, int(stop_signal)), daemon=True).start()
    exit_code = server.wait()
    if not tests_are_over.is_set():
        sys.exit(f"The server ended by itself with {exit_code}:\n{Path(folder, 'log').read_text()}")
    shutil.rmtree(folder, ignore_errors=True)


tests_are_over = threading.Event()


def end_with_tests(server: subprocess.Popen[bytes], stop_signal: int) -> None:
    sys.stdin.buffer.read()
    tests_are_over.set()
    server.send_signal(stop_signal)
    try:
        server.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        server.kill()


if __name__ == "__main__":
    main(sys.argv[1:])
