"""A mesh from beginning to end: its folder is held, its parts come up, somebody uses them, all is taken down."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from archwright.local import state
from archwright.local.reaper_link import reaper
from archwright.local.supervisor import Say, Supervisor, supervising
from archwright.local.temporary import temporary_folder

Answer = TypeVar("Answer")

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True, slots=True)
class Site:
    """Where a mesh is built, and who keeps its parts up."""

    place: state.StateFolder
    sockets: Path
    """A temporary folder with a short path."""
    supervisor: Supervisor
    say: Say


Start = Callable[[Site], Awaitable[state.MeshRecord]]
"""Brings the parts up and returns how to reach them."""

Use = Callable[[state.StateFolder, state.MeshRecord], Awaitable[Answer]]
"""What somebody does with a mesh that is up."""


def serve(
    start: Start, use: Use[Answer], say: Say, *, state_folder: Path | None = None, is_ephemeral: bool = False
) -> Answer:
    """Bring a mesh up, await `use`, and take the mesh down, whatever happens.

    SIGINT, SIGTERM and SIGHUP end it in order, a second of them at once; this then raises KeyboardInterrupt.
    """
    with contextlib.ExitStack() as stack:
        place = state.folder(state_folder)
        if is_ephemeral:
            place = state.StateFolder(stack.enter_context(temporary_folder()))
        place.make()
        link = stack.enter_context(reaper(stack.enter_context(state.hold(place))))
        sockets = stack.enter_context(temporary_folder())
        for folder in (sockets, place.root) if is_ephemeral else (sockets,):
            link.folder(folder)

        async def until_done() -> Answer:
            async with supervising(link, place.logs, say) as supervisor:
                return await _live(Site(place, sockets, supervisor, say), start, use)

        try:
            return asyncio.run(until_done())
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


async def _live(site: Site, start: Start, use: Use[Answer]) -> Answer:
    with _signals(site.supervisor, site.say):
        try:
            record = await start(site)
            state.write(site.place, record)
            return await use(site.place, record)
        finally:
            site.place.record.unlink(missing_ok=True)
            site.say("Stopping …")
            await site.supervisor.stop()
            site.say("Everything has stopped.")


@contextlib.contextmanager
def _signals(supervisor: Supervisor, say: Say) -> Iterator[None]:
    """Have the first signal cancel the block, and every further one end all children at once."""
    loop, block = asyncio.get_running_loop(), asyncio.current_task()
    seen = 0

    def on_signal() -> None:
        nonlocal seen
        seen += 1
        if seen == 1 and block is not None:
            block.cancel()
        else:
            say("Ending everything at once.")
            supervisor.force()

    # `nohup` ignores the end of the terminal on the person's behalf; so must we.
    hang_up = () if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else (signal.SIGHUP,)
    for number in (*_STOP_SIGNALS, *hang_up):
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in (*_STOP_SIGNALS, *hang_up):
            loop.remove_signal_handler(number)
