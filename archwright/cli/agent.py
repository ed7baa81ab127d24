"""`archwright agent`: runs an agent of one's own from its source."""

from __future__ import annotations

import asyncio
import sys
from typing import Annotated

import typer

from archwright.sdk.loading import load_agent, source_of
from archwright.sdk.process import run_agent
from archwright.sdk.reloading import run_reloading

app = typer.Typer(help="Run an agent of your own.")

Target = Annotated[
    str, typer.Argument(metavar="MODULE:AGENT", help="Such as greeter:agent, for `agent` in greeter.py.")
]
Reload = Annotated[bool, typer.Option("--reload", help="Start it again, gently, whenever its source changes.")]
Concurrency = Annotated[
    int | None,
    typer.Option("--concurrency", min=1, max=1000, help="How many tasks at a time.", show_default="as it says itself"),
]
AgentId = Annotated[str, typer.Option("--id", metavar="ID", help="Its id.", show_default="a fresh one each time")]


@app.callback()
def _options() -> None: ...


@app.command("run")
def run(target: Target, reload: Reload = False, concurrency: Concurrency = None, agent_id: AgentId = "") -> None:
    """Run an agent until Ctrl-C, against the mesh that is up on this machine or the one that the environment names.

    The first Ctrl-C lets it finish what it holds, a second ends it at once. Settings: docs/agents.md.
    """
    if reload:
        source = source_of(target)
        chosen = [] if concurrency is None else ["--concurrency", str(concurrency)]
        named = ["--id", agent_id] if agent_id else []
        arguments = ("agent", "run", target, *chosen, *named)
        raise typer.Exit(asyncio.run(run_reloading(arguments, source, lambda line: typer.echo(line, err=True))))
    agent = load_agent(target)
    if concurrency is not None:
        agent.max_concurrent_tasks = concurrency
    run_agent(agent, agent_id=agent_id, log_form="console" if sys.stderr.isatty() else None)
