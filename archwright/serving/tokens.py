"""Who calls: signed tokens, made and checked.

Tokens are JWTs signed with ES256 and nothing else, because Envoy, Istio and JWKS all agree on it. A token that
passed is remembered until it expires or the keys change: checking a signature costs more than a whole call.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import jwt
import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from archwright.errors import TokenInvalid

log = structlog.get_logger(__name__)

ALGORITHM = "ES256"
PLATFORM_TENANT = "platform"
"""Who is of this tenant serves, and sees, every tenant."""

LEEWAY_SECONDS = 5.0
"""By how much clocks of two machines may differ."""

_REMEMBERED_MAX = 4096
_STAT_SECONDS = 1.0
_REQUIRED = ["iss", "aud", "sub", "exp", "nbf", "iat"]
# Tenants are sent to the database as a list joined by commas, so a name must never hold one.
_TENANT = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, by a token that we trust."""

    subject: str
    tenant: str
    roles: frozenset[str]
    agent_type: str
    expires_at: datetime

    @property
    def is_platform(self) -> bool:
        """Whether the caller serves every tenant."""
        return self.tenant == PLATFORM_TENANT


ANONYMOUS = Caller("", "", frozenset(), "", datetime.max.replace(tzinfo=UTC))
"""The caller of a method that asks for no token."""


class TokenVerifier:
    """Checks tokens against the public keys of a JWKS file, which is read again when it changes."""

    def __init__(self, jwks_file: Path, issuer: str, audience: str) -> None:
        """Read the keys; raises ValueError when the file holds none of ours."""
        self._file = jwks_file
        self._issuer = issuer
        self._audience = audience
        self._stamp = _stamp(jwks_file)
        self._keys = _read_keys(jwks_file)
        self._looked_at = time.monotonic()
        self._remembered: dict[str, Caller] = {}

    def verify(self, token: str) -> Caller:
        """Return who holds `token`, or raise TokenInvalid naming what is wrong with it."""
        now = time.monotonic()
        if now - self._looked_at > _STAT_SECONDS:
            self._looked_at = now
            self._reload_if_changed()
        caller = self._remembered.get(token)
        if caller is None:
            caller = self._checked(token)
            if len(self._remembered) >= _REMEMBERED_MAX:
                self._remembered.clear()
            self._remembered[token] = caller
        elif caller.expires_at.timestamp() + LEEWAY_SECONDS < time.time():
            del self._remembered[token]
            raise _invalid("it has expired")
        return caller

    def _reload_if_changed(self) -> None:
        stamp = _stamp(self._file)
        if stamp in (self._stamp, None):  # a file that is being replaced may be away for a moment
            return
        self._stamp = stamp
        try:
            self._keys = _read_keys(self._file)
        except ValueError as malformed:
            # The keys of a moment ago are better than none: a bad file must not stop a service that runs.
            log.error("jwks_file_refused", cause=str(malformed))
            return
        self._remembered.clear()

    def _checked(self, token: str) -> Caller:
        try:
            claims = jwt.decode(
                token,
                self._key_of(token),
                algorithms=[ALGORITHM],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={"require": _REQUIRED},
            )
        except jwt.PyJWTError as refused:
            raise _invalid(_cause(refused)) from None
        return _caller(claims)

    def _key_of(self, token: str) -> ec.EllipticCurvePublicKey:
        header = jwt.get_unverified_header(token)
        if header.get("alg") != ALGORITHM:
            raise _invalid(f"it is signed with {str(header.get('alg'))[:20]!r}, not {ALGORITHM}")
        key_id = str(header.get("kid"))
        if key_id not in self._keys:
            self._reload_if_changed()
        if key_id not in self._keys:
            raise _invalid(f"its key {key_id[:60]!r} is not one that we trust")
        return self._keys[key_id]


class TokenSigner:
    """Makes tokens with a private key of ours."""

    def __init__(self, key_file: Path, issuer: str, audience: str) -> None:
        """Read the key; raises ValueError when the file holds none that can sign ES256."""
        key = serialization.load_pem_private_key(key_file.read_bytes(), password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise ValueError(f"{key_file} does not hold a private key on the curve P-256, which {ALGORITHM} needs.")
        self._key = key
        self._key_id = key_id_of(key.public_key())
        self._issuer = issuer
        self._audience = audience

    def sign(
        self, *, subject: str, tenant: str, roles: frozenset[str] | list[str], ttl_seconds: float, agent_type: str = ""
    ) -> tuple[str, datetime]:
        """Return a token that is good from now on, and when it ends."""
        now = int(time.time())
        expires = now + int(ttl_seconds)
        claims: dict[str, object] = {
            "iss": self._issuer,
            "aud": self._audience,
            "sub": subject,
            "tenant": tenant,
            "roles": sorted(roles),
            "iat": now,
            "nbf": now,
            "exp": expires,
        }
        if agent_type:
            claims["agent_type"] = agent_type
        token = jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": self._key_id})
        return token, datetime.fromtimestamp(expires, UTC)


def new_key_pem() -> bytes:
    """Return a fresh private signing key as PEM."""
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def jwks_of(*key_pems: bytes) -> str:
    """Return the JWKS document that holds the public halves of these private keys."""
    keys = []
    for pem in key_pems:
        key = serialization.load_pem_private_key(pem, password=None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError(f"A key for {ALGORITHM} must be an elliptic-curve key.")
        public = key.public_key()
        keys.append(_jwk(public) | {"kid": key_id_of(public), "alg": ALGORITHM, "use": "sig"})
    return json.dumps({"keys": keys}, indent=2)


def key_id_of(key: ec.EllipticCurvePublicKey) -> str:
    """Return the key's thumbprint (RFC 7638), so that a key has the same name wherever it is computed."""
    canonical = json.dumps(_jwk(key), sort_keys=True, separators=(",", ":"))
    return jwt.utils.base64url_encode(sha256(canonical.encode()).digest()).decode()


def _jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    numbers = key.public_numbers()
    return {
        "crv": "P-256",
        "kty": "EC",
        "x": jwt.utils.base64url_encode(numbers.x.to_bytes(32, "big")).decode(),
        "y": jwt.utils.base64url_encode(numbers.y.to_bytes(32, "big")).decode(),
    }


def _read_keys(file: Path) -> Mapping[str, ec.EllipticCurvePublicKey]:
    try:
        found = jwt.PyJWKSet.from_json(file.read_text())
    except (jwt.PyJWTError, ValueError) as malformed:
        raise ValueError(f"{file} is not a JWKS file: {malformed}") from malformed
    keys = {
        str(jwk.key_id): jwk.key
        for jwk in found.keys
        if jwk.key_id and isinstance(jwk.key, ec.EllipticCurvePublicKey) and isinstance(jwk.key.curve, ec.SECP256R1)
    }
    if not keys:
        raise ValueError(f"{file} holds no P-256 key with a `kid`; tokens could never be checked.")
    return keys


def _stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        seen = file.stat()
    except FileNotFoundError:
        return None
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def _caller(claims: Mapping[str, object]) -> Caller:
    subject, tenant, roles = claims["sub"], claims.get("tenant"), claims.get("roles")
    if not isinstance(subject, str) or not subject:
        raise _invalid("its claim `sub` is empty")
    if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
        raise _invalid("its claim `tenant` is missing or not of the form [a-z0-9][a-z0-9_-]*")
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise _invalid("its claim `roles` is missing or not a list of strings")
    expires = claims["exp"]
    if not isinstance(expires, (int, float)):
        raise _invalid("its claim `exp` is not a number")
    return Caller(
        subject=subject,
        tenant=tenant,
        roles=frozenset(roles),
        agent_type=str(claims.get("agent_type", "")),
        expires_at=datetime.fromtimestamp(expires, UTC),
    )


def _cause(refused: jwt.PyJWTError) -> str:
    match refused:
        case jwt.ExpiredSignatureError():
            return "it has expired"
        case jwt.ImmatureSignatureError():
            return "it is not valid yet"
        case jwt.InvalidAudienceError():
            return "it is made for another audience"
        case jwt.InvalidIssuerError():
            return "it comes from another issuer"
        case jwt.MissingRequiredClaimError():
            return f"its claim `{refused.claim}` is missing"
        case jwt.InvalidSignatureError():
            return "its signature is wrong"
        case _:
            return "it is malformed"


def _invalid(cause: str) -> TokenInvalid:
    return TokenInvalid(
        f"The token is refused: {cause}. Get a fresh one; `archwright token` prints one in the local mesh.",
        facts={"cause": cause},
    )
