"""The mesh's own keys: what signs tokens, what checks them, and the tokens its parts start with.

Whoever can read the signing key can be anybody in this mesh, so it is its owner's alone, as everything here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from archwright.local.private import write_private
from archwright.serving.tokens import PLATFORM_TENANT, TokenSigner, jwks_of, new_key_pem

ISSUER = "archwright-local"
AUDIENCE = "archwright"
# Made afresh at every `up`; a mesh that stays up longer than this is no local mesh.
_KEY_BYTES = 32
_TOKEN_SECONDS = 365 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Keys:
    """The files that services, agents and the CLI name in their settings."""

    signing_key_file: Path
    jwks_file: Path
    enrolment_token_file: Path
    service_token_file: Path
    hot_copy_key_file: Path


def ensure(folder: Path) -> Keys:
    """Return the keys of the mesh, making the signing key once and the tokens each time."""
    keys = Keys(
        signing_key_file=folder / "token-key.pem",
        jwks_file=folder / "jwks.json",
        enrolment_token_file=folder / "enrolment.token",
        service_token_file=folder / "service.token",
        hot_copy_key_file=folder / "hot-copies.key",
    )
    if not keys.hot_copy_key_file.exists():
        write_private(keys.hot_copy_key_file, os.urandom(_KEY_BYTES))
    if not keys.signing_key_file.exists():
        write_private(keys.signing_key_file, new_key_pem())
    write_private(keys.jwks_file, jwks_of(keys.signing_key_file.read_bytes()).encode())
    signer = TokenSigner(keys.signing_key_file, ISSUER, AUDIENCE)
    _write_token(signer, keys.enrolment_token_file, subject="local-mesh", role="enrolment")
    _write_token(signer, keys.service_token_file, subject="engine", role="service")
    return keys


def _write_token(signer: TokenSigner, file: Path, *, subject: str, role: str) -> None:
    token, _ = signer.sign(subject=subject, tenant=PLATFORM_TENANT, roles=[role], ttl_seconds=_TOKEN_SECONDS)
    write_private(file, token.encode())
