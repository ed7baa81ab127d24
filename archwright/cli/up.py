"""`archwright up`: the whole mesh on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.introduction import introduce
from archwright.cli.options import State
from archwright.local.mesh import ENGINES_MAX, Choices, up
from archwright.local.state import MeshRecord, StateFolder

Ephemeral = Annotated[bool, typer.Option("--ephemeral", help="Keep nothing: a temporary folder instead of --state.")]
GatewayPort = Annotated[
    int | None,
    typer.Option("--gateway-port", min=1, max=65535, help="Port of the gateway.", show_default="8443, or a free one"),
]
PostgresDsn = Annotated[
    str,
    typer.Option(
        "--postgres-dsn",
        envvar="ARCHWRIGHT_POSTGRES_OWNER_DSN",
        help="Use this PostgreSQL; its user makes schemas and roles.",
    ),
]
RedisUrl = Annotated[str, typer.Option("--redis-url", envvar="ARCHWRIGHT_REDIS_URL", help="Use this Redis or Valkey.")]
EnvoyBinary = Annotated[str, typer.Option("--envoy-binary", envvar="ARCHWRIGHT_ENVOY_BINARY", help="Start this Envoy.")]
Verbose = Annotated[bool, typer.Option("--verbose", help="Say of each part when it is ready.")]

NotifierRules = Annotated[
    Path | None,
    typer.Option(
        "--notifier-rules", metavar="FILE", exists=True, dir_okay=False, help="Tell people by the rules of this file."
    ),
]
ChangesRules = Annotated[
    Path | None,
    typer.Option(
        "--changes-rules",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Take approvals to change management by the rules of this file.",
    ),
]
RepositoryRules = Annotated[
    Path | None,
    typer.Option(
        "--repository-rules",
        metavar="FILE",
        exists=True,
        dir_okay=False,
        help="Commit models to git repositories by the rules of this file.",
    ),
]
Engines = Annotated[
    int, typer.Option("--engines", min=1, max=ENGINES_MAX, help="How many engines share the work; agents use them all.")
]


def command(
    state_folder: State = None,
    ephemeral: Ephemeral = False,
    gateway_port: GatewayPort = None,
    postgres_dsn: PostgresDsn = "",
    redis_url: RedisUrl = "",
    envoy_binary: EnvoyBinary = "",
    verbose: Verbose = False,
    engines: Engines = 1,
    notifier_rules: NotifierRules = None,
    changes_rules: ChangesRules = None,
    repository_rules: RepositoryRules = None,
) -> None:
    """Start the mesh on this machine and keep it up until Ctrl-C.

    PostgreSQL, Valkey, Envoy, the engine, the registry and eight agents, each a process of its own. Whatever
    crashes is started again; with several engines, the others take over its agents meanwhile. A second Ctrl-C
    ends everything at once.
    """
    rules = {"notifier": notifier_rules, "changes": changes_rules, "repository": repository_rules}
    choices = Choices(
        *(state_folder, ephemeral, gateway_port, postgres_dsn, redis_url, envoy_binary, verbose, engines),
        rules={service: file for service, file in rules.items() if file is not None},
    )
    console = show.console()
    began = time.monotonic()

    async def until_interrupted(place: StateFolder, record: MeshRecord) -> None:
        console.print(f"\nThe mesh is up after {show.duration(time.monotonic() - began)}.\n", style="bold")
        introduce(console, place, record)
        await asyncio.Event().wait()

    try:
        up(choices, lambda line: console.print(f"  {line}", markup=False), until_interrupted)
    except KeyboardInterrupt:
        raise typer.Exit from None  # the way to stop it, not a failure
