"""`archwright agents`: who is registered, and how they are."""

from __future__ import annotations

from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.options import AsJson
from archwright.client import Client
from archwright.registry.v1.agent_registry_pb2 import Agent

app = typer.Typer(help="Show agents.")


@app.command("list")
@calls
async def list_agents(
    client: Client,
    agent_type: Annotated[str, typer.Option("--type", help="Only agents of this type.")] = "",
    as_json: AsJson = False,
) -> None:
    """List the agents that are registered."""
    found = [agent async for agent in client.agents.list(agent_type)]
    if as_json:
        show.json(found)
        return
    rows = [
        (
            agent.agent_id,
            agent.agent_type,
            _status(agent),
            f"{agent.current_task_count}/{agent.max_concurrent_tasks}",
            show.when(agent.last_heartbeat),
        )
        for agent in found
    ]
    show.table(("AGENT", "TYPE", "STATUS", "TASKS", "LAST HEARD OF"), rows, empty="No agents are registered.")


@app.command("get")
@calls
async def get_agent(
    client: Client,
    agent_id: Annotated[str, typer.Argument(metavar="AGENT", help="Its id.")],
    as_json: AsJson = False,
) -> None:
    """Show an agent, and whether it gets new work."""
    agent = await client.agents.get(agent_id)
    if as_json:
        show.json(agent)
        return
    health = await client.agents.health(agent_id)
    show.facts(
        (
            ("agent", agent.agent_id),
            ("type", agent.agent_type),
            ("status", _status(agent)),
            ("health", "healthy" if health.healthy else f"unwell: {health.reason}"),
            ("tenant", agent.tenant),
            ("capabilities", ", ".join(agent.capabilities)),
            ("tasks", f"{agent.current_task_count} of {agent.max_concurrent_tasks}"),
            ("registered", show.when(agent.registered_at)),
            ("last heard of", show.when(agent.last_heartbeat)),
        )
    )


def _status(agent: Agent) -> str:
    return Agent.Status.Name(agent.status).lower()
