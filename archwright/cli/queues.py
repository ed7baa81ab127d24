"""`archwright queues`: what waits for agents, and the breakers between tasks and agents."""

from __future__ import annotations

from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.options import AsJson
from archwright.client import Client
from archwright.engine.v1.queues_pb2 import Breaker

app = typer.Typer(help="Show what waits for agents, and the breakers in front of them.")


@app.command("list")
@calls
async def list_queues(client: Client, as_json: AsJson = False) -> None:
    """List the queues in which tasks wait, the longest first."""
    found = await client.queues.list()
    if as_json:
        show.json(found)
        return
    rows = [
        (
            queue.requirement,
            str(queue.waiting),
            show.when(queue.oldest_at),
            str(queue.agents),
            "open" if queue.breaker_open else "",
        )
        for queue in found
    ]
    show.table(("WAITS FOR", "TASKS", "SINCE", "AGENTS", "BREAKER"), rows, empty="No task waits for an agent.")


@app.command("breakers")
@calls
async def list_breakers(client: Client, as_json: AsJson = False) -> None:
    """List the breakers that have seen a failure."""
    found = await client.queues.breakers()
    if as_json:
        show.json(found)
        return
    rows = [
        (each.agent_type, _state(each), str(each.failures), show.when(each.since), show.when(each.open_until))
        for each in found
    ]
    headings = ("AGENTS", "BREAKER", "FAILURES IN A ROW", "SINCE", "OPEN UNTIL")
    show.table(headings, rows, empty="All breakers are closed.")


@app.command("reset")
@calls
async def reset_breaker(
    client: Client, agent_type: Annotated[str, typer.Argument(metavar="TYPE", help="The type of agents.")]
) -> None:
    """Close a breaker at once, when you know that its agents are well again."""
    breaker = await client.queues.reset(agent_type)
    typer.echo(f"The breaker of {breaker.agent_type!r} is {_state(breaker)}: its agents are given tasks again.")


def _state(breaker: Breaker) -> str:
    return Breaker.State.Name(breaker.state).lower().replace("_", " ")
