"""Makes a command of a function that asks a mesh: it is given a client, and the person the options of which mesh."""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from archwright.cli import options
from archwright.client import Client
from archwright.client.local import DEFAULT_TENANT, sign_token
from archwright.local import state

Command = Callable[..., Awaitable[None]]
"""Takes a client, and then whatever the person is asked for."""

_REACH = {
    "gateway": (options.GatewayAddress, ""),
    "token": (options.Token, ""),
    "ca_file": (options.CaFile, None),
    "state_folder": (options.State, None),
}


def calls(command: Command, *, tenant: str = DEFAULT_TENANT) -> Callable[..., None]:
    """Return the command without its first parameter, the client, and with the options that say of which mesh.

    On the local mesh the client acts for `tenant`.
    """
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]
    reach = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        for name, (annotation, default) in _REACH.items()
    ]

    @functools.wraps(command)
    def called(**given: Any) -> None:
        place = [given.pop(name) for name in _REACH]

        async def ask() -> None:
            async with client_of(*place, tenant=tenant) as client:
                await command(client, **given)

        asyncio.run(ask())

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + reach
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect.signature
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return called


def client_of(
    gateway: str, token: str, ca_file: Path | None, state_folder: Path | None, *, tenant: str = DEFAULT_TENANT
) -> Client:
    """Return a client of the mesh that was named, or else of the one that is up on this machine.

    Raises MeshNotUp where neither is.
    """
    if gateway:
        return Client(gateway, token, ca_file)
    mesh = state.find(state_folder)
    return Client(mesh.gateway, token or (lambda: sign_token(mesh, tenant=tenant)), ca_file or mesh.ca_file)
