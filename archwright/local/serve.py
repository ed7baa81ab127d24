"""A mesh from beginning to end: the folder is held, the parts come up, somebody uses them, all is taken down."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from archwright.local import state
from archwright.local.mesh import Choices, Mesh
from archwright.local.reaper_link import ReaperLink, reaper
from archwright.local.supervisor import Say, Supervisor, supervising
from archwright.local.temporary import temporary_folder

Answer = TypeVar("Answer")
Use = Callable[[state.StateFolder, state.MeshRecord], Awaitable[Answer]]
"""What somebody does with a mesh that is up."""

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve(choices: Choices, say: Say, use: Use[Answer]) -> Answer:
    """Bring the mesh up, await `use`, and take the mesh down, whatever happens.

    SIGINT, SIGTERM and SIGHUP end it in order, a second of them at once; this then raises KeyboardInterrupt.
    """
    with contextlib.ExitStack() as stack:
        place = state.folder(choices.state_folder)
        if choices.is_ephemeral:
            place = state.StateFolder(stack.enter_context(temporary_folder()))
        place.make()
        link = stack.enter_context(reaper(stack.enter_context(state.hold(place))))
        sockets = stack.enter_context(temporary_folder())
        for folder in (sockets, place.root) if choices.is_ephemeral else (sockets,):
            link.folder(folder)

        def mesh(supervisor: Supervisor) -> Mesh:
            return Mesh(choices, place, sockets, supervisor, say)

        try:
            return asyncio.run(_serve(mesh, place, link, say, use))
        except asyncio.CancelledError:
            raise KeyboardInterrupt from None


async def _serve(
    mesh_of: Callable[[Supervisor], Mesh], place: state.StateFolder, link: ReaperLink, say: Say, use: Use[Answer]
) -> Answer:
    async with supervising(link, place.logs, say) as supervisor:
        with _signals(supervisor, say):
            try:
                record = await mesh_of(supervisor).start()
                state.write(place, record)
                return await use(place, record)
            finally:
                say("Stopping: agents, gateway, engine, registry, databases.")
                await supervisor.stop()


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

    for number in _STOP_SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        for number in _STOP_SIGNALS:
            loop.remove_signal_handler(number)
