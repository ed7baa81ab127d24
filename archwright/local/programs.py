"""The mesh's own programs: the services, the roles and the migrations, and what each is told.

They are told everything in their environment, as in a cluster, and they never hear of the supervisor.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from archwright.local.certificates import Certificates
from archwright.local.child import Program, clean_environment
from archwright.local.database_roles import as_user
from archwright.local.keys import AUDIENCE, ISSUER, Keys

ROLES = (
    "business_analyst",
    "business_architect",
    "application_architect",
    "infrastructure_architect",
    "solution_architect",
    "project_manager",
    "accountant",
    "developer",
)
_STORING = frozenset({"engine", "registry"})
_PASSED_ON = ("ARCHWRIGHT_MODEL_", "ARCHWRIGHT_PRICES_", "ARCHWRIGHT_DEPLOYMENT_")
_MIGRATION_SECONDS_MAX = 300.0


@dataclass(frozen=True, slots=True)
class OwnPrograms:
    """Makes the programs of one mesh."""

    certificates: Certificates
    keys: Keys
    postgres_dsn: str
    """Of the owner; each service connects as a role of its own."""
    role_password: str
    redis_url: str

    def migration(self, service: str) -> Program:
        """Return what brings the service's part of the database up to date, and ends."""
        return Program(
            f"{service} migration",
            _python("-m", f"services.{service}", "migrate"),
            _environment({"POSTGRES_OWNER_DSN": self.postgres_dsn}),
            ready_seconds_max=_MIGRATION_SECONDS_MAX,
        )

    def registry(self) -> Program:
        """Return the registry, which alone signs agents' tokens."""
        return self._service(
            "registry",
            # Agents of this machine may have their health checked; nothing else is asked from here.
            {"TOKEN_KEY_FILE": str(self.keys.signing_key_file), "HEALTH_CHECK_ALLOW": "127.0.0.0/8,::1/128"},
        )

    def engine(self, registry_address: str, number: int = 1) -> Program:
        """Return one replica of the engine, which asks the registry who its agents are."""
        engine = self._service(
            "engine",
            {
                "REGISTRY_ADDRESS": registry_address,
                "SERVICE_TOKEN_FILE": str(self.keys.service_token_file),
                "HOT_COPY_KEY_FILE": str(self.keys.hot_copy_key_file),
            },
        )
        return engine if number == 1 else replace(engine, name=f"engine {number}")

    def realtime(self, engine_address: str, socket_file: Path) -> Program:
        """Return what serves WebSockets; several engines are named with commas between them."""
        told = {"ENGINE_ADDRESS": engine_address, "SOCKET_FILE": str(socket_file)}
        return self._service("realtime", told)

    def receiver(self, service: str, engine_address: str, rules_file: Path, public_url: str, folder: Path) -> Program:
        """Return a service that receives events, and does with them what a file of rules says."""
        told = {
            "REDIS_URL": self.redis_url,
            "ENGINE_ADDRESS": engine_address,
            "PUBLIC_URL": public_url,
            f"{service.upper()}_RULES_FILE": str(rules_file.absolute()),
            f"{service.upper()}_FOLDER": str(folder),
            # What listens on this machine may be told; elsewhere inside the network nobody is.
            f"{service.upper()}_ALLOW": "localhost,127.0.0.0/8,::1/128",
        }
        return self._service(service, told)

    def agent(self, role: str, engine_address: str, registry_address: str, socket_file: Path | None = None) -> Program:
        """Return the one agent of a role; several engines are named with commas between them.

        Its typed service listens on `socket_file`, for the gateway; without one it has none.
        """
        told = {
            "ENGINE_ADDRESS": engine_address,
            "REGISTRY_ADDRESS": registry_address,
            "CA_FILE": str(self.certificates.ca_file),
            "ENROLMENT_TOKEN_FILE": str(self.keys.enrolment_token_file),
            # The same id after a restart: it takes up its registration, and its leases, where they were.
            "AGENT_ID": f"{role}-1",
            "LISTEN": f"unix:{socket_file}" if socket_file else "",
            "JWKS_FILE": str(self.keys.jwks_file),
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
        }
        return Program(f"agent {role}", _python("-m", "services.agents", role), _environment(told) | _passed_on())

    def _service(self, name: str, more: Mapping[str, str]) -> Program:
        told = {
            "HOST": "127.0.0.1",
            "PORT": "0",
            **self._storage(name),
            "TLS_CERT_FILE": str(self.certificates.server_file),
            "TLS_KEY_FILE": str(self.certificates.server_key_file),
            "TLS_CA_FILE": str(self.certificates.ca_file),
            "JWKS_FILE": str(self.keys.jwks_file),
            "TOKEN_ISSUER": ISSUER,
            "TOKEN_AUDIENCE": AUDIENCE,
            **more,
        }
        return Program(
            name,
            _python("-m", f"services.{name}"),
            _environment(told),
            port_variable="ARCHWRIGHT_PORT",
            metrics_port_variable="ARCHWRIGHT_METRICS_PORT",
        )

    def _storage(self, service: str) -> Mapping[str, str]:
        """Return where a service keeps things; one that keeps nothing is not told."""
        if service not in _STORING:
            return {}
        dsn = as_user(self.postgres_dsn, role_of(service), self.role_password)
        return {"POSTGRES_DSN": dsn, "REDIS_URL": self.redis_url}


def role_of(service: str) -> str:
    """Return the database role that the service's migration made."""
    return f"archwright_{service}"


def _python(*arguments: str) -> tuple[str, ...]:
    # -P: a folder `services` of the user's, in the working directory, must not be taken for ours.
    return (sys.executable, "-P", *arguments)


def _passed_on() -> dict[str, str]:
    """Return what this process was told about models, prices and deployment: the roles are told the same."""
    return {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}


def _environment(told: Mapping[str, str]) -> dict[str, str]:
    return clean_environment() | {f"ARCHWRIGHT_{name}": value for name, value in told.items()}
