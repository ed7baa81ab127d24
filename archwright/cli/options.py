"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

State = Annotated[
    Path | None,
    typer.Option(
        "--state",
        metavar="FOLDER",
        envvar="ARCHWRIGHT_STATE",
        help="State folder of the local mesh.",
        show_default=".archwright",
    ),
]
GatewayAddress = Annotated[
    str,
    typer.Option(
        "--gateway",
        metavar="ADDRESS",
        envvar="ARCHWRIGHT_GATEWAY",
        help="A mesh elsewhere: https://host:port of its gateway.",
    ),
]
Token = Annotated[
    str,
    typer.Option(
        "--token",
        metavar="TOKEN",
        envvar="ARCHWRIGHT_TOKEN",
        help="Token to show; one of the local mesh's own by default.",
    ),
]
CaFile = Annotated[
    Path | None,
    typer.Option(
        "--ca-file",
        metavar="FILE",
        envvar="ARCHWRIGHT_CA_FILE",
        help="Who signed the gateway's certificate, as PEM.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
WorkflowId = Annotated[str, typer.Argument(metavar="WORKFLOW", help="The workflow's id, wf_…")]
