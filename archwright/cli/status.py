"""`archwright status`: what is up."""

from __future__ import annotations

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.options import AsJson
from archwright.client import Client
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.registry.v1.agent_registry_pb2 import Agent


@calls
async def command(client: Client, as_json: AsJson = False) -> None:
    """Show whether the mesh answers, who works in it, and what is under way."""
    agents = [agent async for agent in client.agents.list()]
    under_way = [workflow async for workflow in client.list(status=Workflow.RUNNING)]
    if as_json:
        show.json({"agents": agents, "workflows": under_way})
        return
    online = [agent.agent_id for agent in agents if agent.status in {Agent.ONLINE, Agent.BUSY}]
    others = [agent.agent_id for agent in agents if agent.agent_id not in online]
    show.facts(
        (
            ("gateway", "answers"),
            ("agents", f"{len(online)} online" + (f": {', '.join(online)}" if online else "")),
            ("not online", ", ".join(others)),
            ("workflows", f"{len(under_way)} running"),
        )
    )
    if not agents:
        typer.echo("No agent is registered, so workflows wait.")
