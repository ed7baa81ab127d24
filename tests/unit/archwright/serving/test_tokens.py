"""Which tokens are trusted, and why the others are not."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from archwright.errors import TokenInvalid
from archwright.serving.tokens import TokenSigner, TokenVerifier, jwks_of, key_id_of, new_key_pem

ISSUER, AUDIENCE = "archwright-test", "archwright"


@dataclass
class Keys:
    """A signing key, and the files that hold it and its public half."""

    pem: bytes
    key_file: Path
    jwks_file: Path

    @property
    def key(self) -> ec.EllipticCurvePrivateKey:
        key = load_pem_private_key(self.pem, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        return key

    def claims(self, **changes: Any) -> dict[str, Any]:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": "ada",
            "tenant": "acme",
            "roles": ["viewer"],
            "iat": now,
            "nbf": now,
            "exp": now + 60,
        } | changes
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, **changes: Any) -> str:
        return jwt.encode(
            self.claims(**changes), self.key, algorithm="ES256", headers={"kid": key_id_of(self.key.public_key())}
        )


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    pem = new_key_pem()
    made = Keys(pem, tmp_path / "key.pem", tmp_path / "jwks.json")
    made.key_file.write_bytes(pem)
    made.jwks_file.write_text(jwks_of(pem))
    return made


@pytest.fixture
def verifier(keys: Keys) -> TokenVerifier:
    return TokenVerifier(keys.jwks_file, ISSUER, AUDIENCE)


@pytest.fixture
def refusal_of(verifier: TokenVerifier) -> Callable[[str], str]:
    def refusal(token: str) -> str:
        with pytest.raises(TokenInvalid) as refused:
            verifier.verify(token)
        return refused.value.facts["cause"]

    return refusal


def test_a_signed_token_says_who_calls(keys: Keys, verifier: TokenVerifier) -> None:
    signer = TokenSigner(keys.key_file, ISSUER, AUDIENCE)

    token, expires_at = signer.sign(
        subject="a1", tenant="acme", roles=["agent"], ttl_seconds=60, agent_type="developer"
    )
    caller = verifier.verify(token)

    assert (caller.subject, caller.tenant, caller.roles) == ("a1", "acme", frozenset({"agent"}))
    assert caller.agent_type == "developer"
    assert caller.expires_at == expires_at
    assert not caller.is_platform


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"exp": 1}, "it has expired"),
        ({"nbf": 99999999999, "exp": 99999999999}, "it is not valid yet"),
        ({"aud": "others"}, "it is made for another audience"),
        ({"iss": "others"}, "it comes from another issuer"),
        ({"exp": None}, "its claim `exp` is missing"),
        ({"nbf": None}, "its claim `nbf` is missing"),
        ({"sub": None}, "its claim `sub` is missing"),
        ({"sub": ""}, "its claim `sub` is empty"),
        ({"tenant": None}, "its claim `tenant` is missing or not of the form [a-z0-9][a-z0-9_-]*"),
        ({"tenant": "acme,globex"}, "its claim `tenant` is missing or not of the form [a-z0-9][a-z0-9_-]*"),
        ({"roles": "admin"}, "its claim `roles` is missing or not a list of strings"),
        ({"roles": [1]}, "its claim `roles` is missing or not a list of strings"),
    ],
)
def test_a_claim_that_is_wrong_is_named(
    keys: Keys, refusal_of: Callable[[str], str], changes: dict[str, Any], cause: str
) -> None:
    assert refusal_of(keys.token(**changes)) == cause


def test_an_unsigned_token_is_refused(keys: Keys, refusal_of: Callable[[str], str]) -> None:
    unsigned = jwt.encode(keys.claims(), None, algorithm="none", headers={"kid": key_id_of(keys.key.public_key())})

    assert refusal_of(unsigned) == "it is signed with 'none', not ES256"


def test_the_public_key_is_no_secret_to_sign_with(keys: Keys, refusal_of: Callable[[str], str]) -> None:
    forged = jwt.encode(keys.claims(), "x" * 64, algorithm="HS256", headers={"kid": key_id_of(keys.key.public_key())})

    assert refusal_of(forged) == "it is signed with 'HS256', not ES256"


def test_a_token_of_an_unknown_key_is_refused(tmp_path: Path, refusal_of: Callable[[str], str]) -> None:
    stranger = Keys(new_key_pem(), tmp_path / "k", tmp_path / "j")

    assert "is not one that we trust" in refusal_of(stranger.token())


def test_a_token_that_borrows_a_known_key_id_is_refused(keys: Keys, refusal_of: Callable[[str], str]) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    forged = jwt.encode(keys.claims(), stranger, algorithm="ES256", headers={"kid": key_id_of(keys.key.public_key())})

    assert refusal_of(forged) == "its signature is wrong"


def test_a_token_whose_claims_were_changed_is_refused(keys: Keys, refusal_of: Callable[[str], str]) -> None:
    header, body, signature = keys.token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "==")) | {"roles": ["admin"]}
    changed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    assert refusal_of(f"{header}.{changed}.{signature}") == "its signature is wrong"


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", "." * 10_000])
def test_what_is_no_token_is_refused(refusal_of: Callable[[str], str], token: str) -> None:
    assert refusal_of(token) == "it is malformed"


def test_a_remembered_token_still_expires(
    keys: Keys, verifier: TokenVerifier, refusal_of: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = keys.token()
    verifier.verify(token)
    later = time.time() + 120

    monkeypatch.setattr(time, "time", lambda: later)

    assert refusal_of(token) == "it has expired"


def test_keys_that_change_are_read_again_and_the_old_ones_forgotten(
    keys: Keys,
    verifier: TokenVerifier,
    refusal_of: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    old_token = keys.token()
    verifier.verify(old_token)
    successor = Keys(new_key_pem(), tmp_path / "k", tmp_path / "j")
    replacement = tmp_path / "new.json"
    replacement.write_text(jwks_of(successor.pem))

    replacement.replace(keys.jwks_file)

    assert verifier.verify(successor.token()).subject == "ada"
    assert "is not one that we trust" in refusal_of(old_token)


def test_a_file_that_turns_bad_leaves_the_keys_of_before(keys: Keys, verifier: TokenVerifier) -> None:
    known, unknown = keys.token(), Keys(new_key_pem(), keys.key_file, keys.jwks_file).token()
    keys.jwks_file.write_text("not a key set")

    with pytest.raises(TokenInvalid):  # an unknown key makes it look at the file
        verifier.verify(unknown)

    assert verifier.verify(known).subject == "ada"


def test_a_file_without_usable_keys_is_refused_at_once(tmp_path: Path) -> None:
    file = tmp_path / "jwks.json"
    for text in ("", "{}", '{"keys": []}', '{"keys": [{"kty": "oct", "k": "AAAA", "kid": "1"}]}'):
        file.write_text(text)
        with pytest.raises(ValueError, match=r"jwks\.json"):
            TokenVerifier(file, ISSUER, AUDIENCE)


def test_a_key_of_another_curve_cannot_sign(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    key = ec.generate_private_key(ec.SECP384R1())
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    with pytest.raises(ValueError, match="P-256"):
        TokenSigner(file, ISSUER, AUDIENCE)
