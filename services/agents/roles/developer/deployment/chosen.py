"""Whom this process asks what deploying would change, by its settings: nobody, unless it is told."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from archwright.agents.v1.developer_pb2 import DeliveryScaffold
from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.errors import DependencyUnavailable, PayloadInvalid, RequestInvalid
from services.agents.roles.developer.deployment.port import DeployProvider

PREFIX = "ARCHWRIGHT_DEPLOYMENT_"
FOLDER = "infrastructure/"


class DeploymentSettings(BaseSettings):
    """Variables `ARCHWRIGHT_DEPLOYMENT_…` of the developer."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    url: str = ""
    """Of HCP Terraform or what speaks its API; empty for the dry run alone."""
    workspace_id: str = ""
    """`ws-…`: where plans are made."""
    token: SecretStr | None = None
    token_file: Path | None = None


@cache
def deploy_provider() -> DeployProvider | None:
    """Return whom to ask, None for the dry run alone; raises RequestInvalid naming the variable that is wrong."""
    settings = DeploymentSettings()
    if not settings.url:
        return None
    if not settings.workspace_id:
        raise RequestInvalid(f"{PREFIX}URL is set, so {PREFIX}WORKSPACE_ID has to be: it names where plans are made.")
    try:
        from services.agents.roles.developer.deployment.terraform_cloud import TerraformCloud  # noqa: PLC0415
    except ImportError:
        raise RequestInvalid(
            f"{PREFIX}URL is set, and what asks for plans is not installed: pip install 'archwright[cloud]'."
        ) from None
    return TerraformCloud(settings.url, settings.workspace_id, _token(settings))


def infrastructure_code(scaffold: DeliveryScaffold) -> dict[str, bytes]:
    """Return the files of a repository that say what to deploy, by their path below the folder that they are in."""
    return {
        file.path.removeprefix(FOLDER): file.content.encode() for file in scaffold.files if file.path.startswith(FOLDER)
    }


async def plan_deployment(output: AgentOutput, provider: DeployProvider | None) -> None:
    """Put somebody's plan in place of the dry run's; where it does not come, a finding says so."""
    code = infrastructure_code(output.scaffold)
    if provider is None or not code:
        return
    try:
        output.scaffold.deployment_plan.CopyFrom(await provider.plan(code))
    except (DependencyUnavailable, PayloadInvalid) as error:
        output.findings.add(
            severity=Finding.WARNING,
            code="DEPLOYMENT_NOT_PLANNED",
            message=f"What deploying would change is a dry run's guess. {error.message}",
        )


def _token(settings: DeploymentSettings) -> str:
    if settings.token is not None:
        return settings.token.get_secret_value()
    if settings.token_file is None:
        raise RequestInvalid(f"{PREFIX}URL is set, so {PREFIX}TOKEN_FILE or {PREFIX}TOKEN has to be.")
    try:
        return settings.token_file.read_text().strip()
    except OSError as error:
        raise RequestInvalid(f"{PREFIX}TOKEN_FILE: {settings.token_file} cannot be read: {error.strerror}.") from error
