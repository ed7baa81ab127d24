"""`archwright token`: a token of the local mesh, for curl and other clients."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from archwright.cli.lengths import seconds_of
from archwright.cli.options import State
from archwright.client.local import DEFAULT_TENANT, sign_token
from archwright.local import state


class Role(StrEnum):
    """What the holder may do."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


def command(
    user: Annotated[
        str, typer.Option("--user", help="Whose it is; another person's, to try what takes two.", show_default="you")
    ] = "",
    role: Annotated[Role, typer.Option("--role", help="What its holder may do.")] = Role.ADMIN,
    tenant: Annotated[str, typer.Option("--tenant", help="Whose workflows it opens.")] = DEFAULT_TENANT,
    ttl: Annotated[str, typer.Option("--ttl", help="How long it is good: 90s, 15m, 8h, 30d.")] = "1h",
    state_folder: State = None,
) -> None:
    """Print a token of the mesh on this machine, and nothing else.

    curl --cacert .archwright/certificates/ca.pem -H "Authorization: Bearer $(archwright token)" …
    """
    mesh = state.find(state_folder)
    typer.echo(sign_token(mesh, subject=user, tenant=tenant, roles=[role.value], ttl_seconds=seconds_of(ttl)))
