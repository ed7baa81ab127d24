"""`archwright status`: what is up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import typer

from archwright.cli import show
from archwright.cli.calling import client_of
from archwright.cli.options import AsJson, CaFile, GatewayAddress, State, Token
from archwright.client import Client
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.local import state
from archwright.local.health import serves
from archwright.registry.v1.agent_registry_pb2 import Agent


def command(
    *,
    as_json: AsJson = False,
    gateway: GatewayAddress = "",
    token: Token = "",
    ca_file: CaFile = None,
    state_folder: State = None,
) -> None:
    """Show whether the mesh answers, who works in it, and what is under way; of one on this machine, each engine."""

    async def tell() -> None:
        mesh = None if gateway else state.find(state_folder)
        engines = {} if mesh is None else await _engines(mesh)
        async with client_of(gateway, token, ca_file, state_folder) as client:
            await _tell(client, engines, {} if mesh is None else mesh.metrics, as_json=as_json)

    asyncio.run(tell())


async def _engines(mesh: state.MeshRecord) -> Mapping[str, bool]:
    """Return which engines of a mesh on this machine answer."""
    answers = await asyncio.gather(*(serves(address, Path(mesh.ca_file)) for address in mesh.engines))
    return dict(zip(mesh.engines, answers, strict=True))


async def _tell(client: Client, engines: Mapping[str, bool], metrics: Mapping[str, str], *, as_json: bool) -> None:
    agents = [agent async for agent in client.agents.list()]
    under_way = [workflow async for workflow in client.list(status=Workflow.RUNNING)]
    if as_json:
        scraped = [{"service": name, "url": url} for name, url in metrics.items()]
        told = [{"address": address, "answers": answers} for address, answers in engines.items()]
        show.json({"engines": told, "metrics": scraped, "agents": agents, "workflows": under_way})
        return
    online = [agent.agent_id for agent in agents if agent.status in {Agent.ONLINE, Agent.BUSY}]
    others = [agent.agent_id for agent in agents if agent.agent_id not in online]
    answering = [address for address, answers in engines.items() if answers]
    silent = [address for address in engines if address not in answering]
    show.facts(
        (
            ("gateway", "answers"),
            ("engines", f"{len(answering)} answer: {', '.join(answering)}" if answering else ""),
            ("not answering", ", ".join(silent)),
            ("agents", f"{len(online)} online" + (f": {', '.join(online)}" if online else "")),
            ("not online", ", ".join(others)),
            ("workflows", f"{len(under_way)} running"),
            *((f"{name} metrics", url) for name, url in metrics.items()),
        )
    )
    if not agents:
        typer.echo("No agent is registered, so workflows wait.")
