"""What the tables of bad input share: tokens that are no good, and texts that are none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archwright.serving.tokens import TokenSigner, new_key_pem

AUDIENCE = "archwright"


@pytest.fixture(scope="session")
def token_of(whole_mesh: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Makes tokens by the word for what is wrong with them; of `""` nothing is."""
    other_key = tmp_path_factory.mktemp("keys") / "other.pem"
    other_key.write_bytes(new_key_pem())
    issuer, own_key = whole_mesh.record.token_issuer, Path(whole_mesh.record.token_key_file)

    def signed(key: Path, issuer: str, audience: str) -> str:
        return TokenSigner(key, issuer, audience).sign(
            subject="eve", tenant="default", roles=["admin"], ttl_seconds=600
        )[0]

    def make(wrong: str) -> str:
        match wrong:
            case "":
                return str(whole_mesh.token("viewer", "operator", "admin"))
            case "missing":
                return ""
            case "expired":
                return str(whole_mesh.token("admin", ttl_seconds=-60))
            case "of another key":
                return signed(other_key, issuer, AUDIENCE)
            case "of another issuer":
                return signed(own_key, "somebody", AUDIENCE)
            case "for another audience":
                return signed(own_key, issuer, "elsewhere")
            case "no token":
                return "not-a-token"
            case "of a viewer":
                return str(whole_mesh.token("viewer"))
            case "of another tenant":
                return str(whole_mesh.token("admin", tenant="globex"))
        raise AssertionError(wrong)

    return make
