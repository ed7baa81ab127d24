"""`archwright agents`: who is registered, and how they are."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.options import AsJson
from archwright.client import Client
from archwright.registry.v1.agent_registry_pb2 import Agent
from archwright.serving.tokens import PLATFORM_TENANT

app = typer.Typer(help="Show agents, and keep them from new work.")


class Strategy(StrEnum):
    """How to choose among agents that fit."""

    ROUND_ROBIN = "round_robin"
    LEAST_CONNECTIONS = "least_connections"


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
            *([("kept from work", f"by {agent.drained_by}")] if agent.drained_by else []),
            ("registered", show.when(agent.registered_at)),
            ("last heard of", show.when(agent.last_heartbeat)),
        )
    )


@app.command("match")
@calls
async def match_agents(
    client: Client,
    agent_type: Annotated[str, typer.Option("--type", help="Of this type.")] = "",
    capability: Annotated[
        str, typer.Option(help="Offering this, perhaps in a range of versions: pricing@^1.2.", metavar="NAME")
    ] = "",
    label: Annotated[
        list[str] | None, typer.Option(help="Bearing this mark; may be repeated.", metavar="NAME=VALUE")
    ] = None,
    strategy: Annotated[Strategy, typer.Option(help="How to choose among those that fit.")] = Strategy.ROUND_ROBIN,
    as_json: AsJson = False,
) -> None:
    """Show which agents could take a task now, the best first."""
    found = await client.agents.match(
        agent_type, capability=capability, labels=dict(map(_mark, label or ())), strategy=strategy.value
    )
    if as_json:
        show.json(found)
        return
    rows = [(each.agent.agent_id, each.agent.agent_type, str(each.free_slots)) for each in found]
    show.table(("AGENT", "TYPE", "FREE"), rows, empty="No agent could take it now. `archwright agents list` shows all.")


async def drain_agent(
    client: Client,
    agent_id: Annotated[str, typer.Argument(metavar="AGENT", help="Its id.")],
) -> None:
    """Give an agent nothing new until it is resumed; what it holds it finishes."""
    agent = await client.agents.drain(agent_id)
    typer.echo(
        f"{agent.agent_id} gets nothing new; it holds {agent.current_task_count}. "
        f"`archwright agents resume {agent.agent_id}` ends that."
    )


async def resume_agent(
    client: Client,
    agent_id: Annotated[str, typer.Argument(metavar="AGENT", help="Its id.")],
) -> None:
    """Give an agent new work again."""
    agent = await client.agents.resume(agent_id)
    typer.echo(f"{agent.agent_id} gets new work again; it is {_status(agent)}.")


# The roles of the local mesh are the platform's, and so is whoever runs it.
app.command("drain")(calls(drain_agent, tenant=PLATFORM_TENANT))
app.command("resume")(calls(resume_agent, tenant=PLATFORM_TENANT))


def _mark(text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator:
        raise typer.BadParameter(f"{text!r} is not of the form NAME=VALUE.", param_hint="--label")
    return name, value


def _status(agent: Agent) -> str:
    return Agent.Status.Name(agent.status).lower()
