"""A mesh of tiny children, as a process of its own, so that a test can end it in every way.

    tiny_mesh.py <state folder> <child>[:<habit>,…] …

Children are kept in the order named, each in a higher tier. It prints `up`, and whatever the supervisor says.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from archwright.errors import ArchwrightError
from archwright.local.child import Program
from archwright.local.serve import Site, serve
from archwright.local.state import MeshRecord, StateFolder

TINY_CHILD = Path(__file__).with_name("tiny_child.py")


def tiny(name: str, *habits: str, grace_seconds: float = 5.0) -> Program:
    command = (sys.executable, str(TINY_CHILD), name, *habits)
    return Program(name, command, dict(os.environ), port_variable="TINY_PORT", grace_seconds=grace_seconds)


def say(line: str) -> None:
    print(line, flush=True)


async def start(site: Site) -> MeshRecord:
    for tier, word in enumerate(sys.argv[2:]):
        name, _, habits = word.partition(":")
        await site.supervisor.keep(tiny(name, *habits.split(",")), tier=tier)
    return MeshRecord("", "", "", {}, "", "", "", "", "", pid=os.getpid())


async def use(place: StateFolder, record: MeshRecord) -> None:
    say("up")
    await asyncio.Event().wait()


if __name__ == "__main__":
    try:
        serve(start, use, say, state_folder=Path(sys.argv[1]))
    except KeyboardInterrupt:
        sys.exit(0)
    except ArchwrightError as error:
        say(error.message)
        sys.exit(1)
