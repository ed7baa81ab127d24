"""The command `python -m benchmarks`."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer

from archwright.errors import ArchwrightError
from benchmarks import agents as agent_figures
from benchmarks import floor as floors
from benchmarks import latency as latencies
from benchmarks import machine, measure, mesh, profile, report, watched
from benchmarks import scaling as scalings
from benchmarks import throughput as throughputs
from benchmarks.evaluation import commands

Workflows = Annotated[int, typer.Option(min=1, help="How many workflows of eight steps.")]
Concurrent = Annotated[int, typer.Option(min=1, help="How many of them at once.")]
Limit = Annotated[
    int,
    typer.Option(
        min=0, help="How many the engine lets be under way; the others wait as PENDING.", show_default="twice as many"
    ),
]
Engines = Annotated[int, typer.Option(min=1, help="How many engine processes.")]
Agents = Annotated[int, typer.Option(min=1, help="How many agent processes.")]
Runs = Annotated[int, typer.Option(min=1, help="How many times; the figures are the medians.")]
Profiled = Annotated[str, typer.Option("--profile", help="Sample this process with py-spy: engine, agent, client.")]
Keep = Annotated[bool, typer.Option("--keep", help="Keep the mesh's folder, with its database and logs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with every run.")]

Answer = TypeVar("Answer")

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def benchmarks() -> None:
    """Measure Archwright on this machine, on a mesh that is made for it and thrown away; and judge its roles."""


for command in commands.ALL:
    app.command()(command)


@app.command()
def throughput(
    workflows: Workflows = 10_000,
    concurrent: Concurrent = 1_000,
    limit: Limit = 0,
    engines: Engines = 2,
    agents: Agents = 2,
    runs: Runs = 5,
    profiled: Profiled = "",
    keep: Keep = False,
    as_json: AsJson = False,
) -> None:
    """Durable steps a second with many workflows at once, and what the machine could do at best."""

    async def use(there: mesh.Mesh) -> dict[str, Any]:
        return await throughputs.measure(
            there, workflows=workflows, concurrent=concurrent, runs=runs, profiled=profiled, say=_say
        )

    if profiled:
        _or_exit(lambda: profile.require_kind(profiled))
    limit = limit or 2 * concurrent
    asked = {
        "workflows": workflows,
        "concurrent": concurrent,
        "limit": limit,
        "engines": engines,
        "agents": agents,
        "runs": runs,
    }
    shape = mesh.Shape(engines, agents, is_with_floor=True, settings=_limited(limit))
    _measure("throughput", asked, shape, use, keep=keep, as_json=as_json)


@app.command()
def latency(
    workflows: Workflows = 500,
    concurrent: Concurrent = 1_000,
    limit: Limit = 0,
    under_load: Annotated[int, typer.Option(min=1, help="How many workflows make the load.")] = 5_000,
    profiled: Profiled = "",
    keep: Keep = False,
    as_json: AsJson = False,
) -> None:
    """How long one workflow takes on an idle mesh, and a start on a busy one."""

    if profiled:
        _or_exit(lambda: profile.require_kind(profiled))

    async def use(there: mesh.Mesh) -> dict[str, Any]:
        return await latencies.measure(
            there, workflows=workflows, concurrent=concurrent, under_load=under_load, profiled=profiled
        )

    limit = limit or 2 * concurrent
    asked = {"workflows": workflows, "concurrent": concurrent, "limit": limit, "under_load": under_load}
    _measure("latency", asked, mesh.Shape(settings=_limited(limit)), use, keep=keep, as_json=as_json)


@app.command()
def floor(
    workflows: Workflows = 10_000,
    concurrent: Concurrent = 1_000,
    agents: Agents = 1,
    runs: Runs = 5,
    keep: Keep = False,
    as_json: AsJson = False,
) -> None:
    """What the machine could do at best: the same messages and rows, and nothing else."""

    async def use(there: mesh.Mesh) -> dict[str, Any]:
        await floors.warm_up(there, workflows)
        done = [await floors.measure(there, workflows=workflows, concurrent=concurrent) for _ in range(runs)]
        return {**measure.medians(done), "runs": done}

    asked = {"workflows": workflows, "concurrent": concurrent, "agents": agents, "runs": runs}
    _measure("floor", asked, mesh.Shape(agents=agents, is_with_floor=True), use, keep=keep, as_json=as_json)


@app.command()
def scaling(
    workflows: Annotated[int, typer.Option(min=200, help="How many workflows the database comes to hold.")] = 10_000,
    waiting: Annotated[int, typer.Option(min=1, help="How many workflows wait.")] = 10_000,
    steps: Annotated[int, typer.Option(min=20, help="How many steps the one long workflow has.")] = 10_000,
    keep: Keep = False,
    as_json: AsJson = False,
) -> None:
    """What a task costs as the database fills and as one workflow grows; two engines; what waiting costs."""
    asked = {"workflows": workflows, "waiting": waiting, "steps": steps}
    result: dict[str, Any] = {"benchmark": "scaling", "asked": asked}
    for engines in (1, 2):

        async def use(there: mesh.Mesh, engines: int = engines) -> dict[str, Any]:
            said = await machine.describe(there)
            if engines > 1:
                return {"engines_2": await scalings.several_engines(there, workflows), **said}
            return {
                **await scalings.measure(there, workflows=workflows, waiting=waiting, steps=steps, say=_say),
                **said,
            }

        result |= _up(mesh.Shape(engines, engines, settings={"MAX_QUEUE_DEPTH": str(2 * waiting)}), use, keep=keep)
    _print(result, as_json=as_json)


@app.command(name="agents")
def of_agents(
    streams: Annotated[int, typer.Option(min=1, help="How many idle agents hold a stream.")] = 1_000,
    idle_seconds: Annotated[float, typer.Option(min=1, help="For how long the idle engine's CPU is measured.")] = 20.0,
    freezes: Annotated[int, typer.Option(min=1, help="How often an agent is frozen beyond its lease.")] = 20,
    seed: Annotated[int, typer.Option(help="Decides who is frozen, and how far the work moves on meanwhile.")] = 1,
    only: Annotated[str, typer.Option(help=f"One part of it: {', '.join(agent_figures.PARTS)}.")] = "",
    keep: Keep = False,
    as_json: AsJson = False,
) -> None:
    """What idle agents cost, how soon they and their work leave whoever is dead or frozen, and that late words are."""
    _or_exit(lambda: agent_figures.require_part(only))
    asked = {"streams": streams, "idle_seconds": idle_seconds, "freezes": freezes, "seed": seed, "only": only}
    result: dict[str, Any] = {"benchmark": "agents", "asked": asked}
    wish = agent_figures.Wish(streams, idle_seconds, freezes, seed)
    for shape, use in agent_figures.meshes(wish, only, _say):

        async def described(there: mesh.Mesh, use: mesh.Use[dict[str, Any]] = use) -> dict[str, Any]:
            return {**await machine.describe(there), **await use(there)}

        result |= _up(shape, described, keep=keep)
    _print(result, as_json=as_json)
    if result.get("stale_results_accepted"):
        raise typer.Exit(1)


@app.command()
def live(
    watchers: Annotated[int, typer.Option(min=1, help="How many WebSockets watch, all at one replica.")] = 2_000,
    workflows: Annotated[int, typer.Option(min=1, help="How many workflows they watch.")] = 20,
    updates: Annotated[int, typer.Option(min=1, help="How many events happen while they watch.")] = 300,
    per_second: Annotated[float, typer.Option(min=0.1, help="How many of them in a second.")] = 10.0,
    engines: Engines = 2,
    keep: Keep = False,
    as_json: AsJson = False,
) -> None:
    """How soon those who watch see what happens, and that they miss nothing and see nothing twice."""
    asked = {"watchers": watchers, "workflows": workflows, "updates": updates, "engines": engines}

    async def use(there: mesh.Mesh) -> dict[str, Any]:
        wish = watched.Wish(watchers, workflows, updates, per_second)
        return {"watchers": watchers, **await watched.measure(there, wish, _say)}

    settings = {"MAX_CONCURRENT_WORKFLOWS": str(2 * workflows)}
    _measure(
        "live", asked, mesh.Shape(engines, is_with_realtime=True, settings=settings), use, keep=keep, as_json=as_json
    )


def _limited(workflows: int) -> dict[str, str]:
    return {"MAX_CONCURRENT_WORKFLOWS": str(workflows)}


def _measure(
    name: str, asked: dict[str, int], shape: mesh.Shape, use: mesh.Use[dict[str, Any]], *, keep: bool, as_json: bool
) -> None:
    async def described(there: mesh.Mesh) -> dict[str, Any]:
        said = await machine.describe(there)
        return {"benchmark": name, **await use(there), "asked": asked, **said}

    _print(_up(shape, described, keep=keep), as_json=as_json)


def _up(shape: mesh.Shape, use: Callable[[mesh.Mesh], Awaitable[dict[str, Any]]], *, keep: bool) -> dict[str, Any]:
    return _or_exit(lambda: mesh.run(shape, use, _say, keep=keep))


def _or_exit(work: Callable[[], Answer]) -> Answer:
    try:
        return work()
    except ArchwrightError as error:
        _say(error.message)
        raise typer.Exit(1) from None


def _print(result: dict[str, Any], *, as_json: bool) -> None:
    print(report.as_json(result) if as_json else report.as_text(result))


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


app()
