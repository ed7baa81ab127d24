"""Tokens for the local mesh, signed on the spot with its own key: whoever may read the key may do everything."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from pathlib import Path

from archwright.local.state import MeshRecord
from archwright.serving.tokens import TokenSigner

DEFAULT_TENANT = "default"
ALL_ROLES = ("viewer", "operator", "admin")
TOKEN_SECONDS = 15 * 60.0


def sign_token(
    mesh: MeshRecord,
    *,
    tenant: str = DEFAULT_TENANT,
    roles: Sequence[str] = ALL_ROLES,
    subject: str = "",
    ttl_seconds: float = TOKEN_SECONDS,
) -> str:
    """Return a fresh token; the subject is the user of this machine unless one is named."""
    signer = TokenSigner(Path(mesh.token_key_file), mesh.token_issuer, mesh.token_audience)
    token, _ = signer.sign(
        subject=subject or getpass.getuser(), tenant=tenant, roles=list(roles), ttl_seconds=ttl_seconds
    )
    return token
