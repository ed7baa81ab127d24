"""The engine's settings, each an environment variable `ARCHWRIGHT_…`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr

from services.chassis.settings import DatabaseSettings
from services.engine.domain.breaker import BreakerConfig


class EngineSettings(DatabaseSettings):
    """What the engine can be told beyond what every service can."""

    registry_address: str = Field(default="", description="host:port of the registry, whose agents may connect")
    lease_seconds: float = Field(default=15.0, gt=0, description="how long an agent keeps its tasks without a sign")
    renew_seconds: float = Field(
        default=1.0,
        gt=0,
        description="how often leases are looked through; agents are pinged every 2/5 of a lease, those at work thrice "
        "as often, and never more often than this",
    )
    stream_age_seconds: float = Field(
        default=1800.0,
        gt=0,
        description="how old an agent's stream may grow at most before the agent is asked to connect anew; "
        "each is asked some time in the last fifth, so that those that came together do not leave together",
    )
    accept_seconds: float = Field(default=5.0, gt=0, description="how long an agent may take to accept a task")
    hello_seconds: float = Field(default=5.0, gt=0, description="how long an agent may take to say who it is")
    cancel_grace_seconds: float = Field(default=10.0, ge=0, description="how long an agent may take to stop a task")
    batch_max: int = Field(default=200, ge=1, description="how many commands one commit holds at most")
    queue_max: int = Field(default=10_000, ge=1, description="how many commands may wait for a commit")
    memory_bytes_max: int = Field(
        default=64 * 2**20, ge=2**20, description="about how many bytes of workflows are kept in memory"
    )
    hot_copy_key_file: Path | None = Field(
        default=None,
        description="a file of 32 bytes, the same for all replicas: with it and Redis, workflows are copied there",
    )
    poll_seconds: float = Field(default=0.25, gt=0, description="how often other replicas' work is looked for")
    max_concurrent_workflows: int = Field(
        default=1_000, ge=1, description="how many workflows of a tenant may be under way; the others wait as PENDING"
    )
    max_queue_depth: int = Field(
        default=10_000, ge=1, description="how many tasks and workflows of a tenant may wait before starts are refused"
    )
    max_agent_instances: int = Field(
        default=50, ge=1, description="how many agents of one type and tenant may be connected"
    )
    max_memory_usage_mb: int = Field(default=4_096, ge=128, description="above it, starts are refused for a while")
    max_cpu_usage_percent: int = Field(
        default=80, ge=1, le=100, description="of all cores; above it for a while, starts are refused for a while"
    )
    breaker_failure_threshold: int = Field(
        default=5, ge=1, description="how many attempts in a row have to fail for a breaker to open"
    )
    breaker_min_throughput: int = Field(
        default=10, ge=1, description="how many attempts must have ended within the recovery time for it to open"
    )
    breaker_recovery_timeout_seconds: int = Field(
        default=60, ge=1, description="how long an open breaker gives out nothing, before it tries again"
    )
    breaker_half_open_max_calls: int = Field(
        default=3, ge=1, description="how many tasks it tries at a time, and how many have to go well for it to close"
    )
    postgres_pool_max: int = Field(default=10, ge=6, description="how many connections to PostgreSQL")
    keep_workflows_days: float = Field(
        default=30.0, ge=0, description="how long workflows are kept after they ended; 0 keeps them forever"
    )

    artifact_store: str = Field(
        default="postgresql",
        description="where the content of files is: postgresql, file:///folder, or s3://bucket/prefix",
    )
    artifact_s3_endpoint: str = Field(default="", description="http(s)://host:port of what speaks S3; empty is AWS")
    artifact_s3_region: str = Field(default="us-east-1", description="the region that requests are signed for")
    artifact_s3_path_style: bool = Field(
        default=True, description="whether the bucket is in the path of addresses, and not in the name of the host"
    )
    artifact_s3_access_key_id: str = Field(
        default="", description="whose rights to use; empty takes those of the environment, as AWS's own tools do"
    )
    artifact_s3_secret_access_key: SecretStr = Field(default=SecretStr(""), description="goes with the key's id")
    artifact_bytes_max: int = Field(default=32 * 2**20, ge=1, description="how large one file may be")
    artifacts_per_workflow_max: int = Field(
        default=1_000, ge=1, description="how many files a workflow may have, all versions counted"
    )
    artifact_bytes_per_workflow_max: int = Field(
        default=2**30, ge=1, description="how large the files of a workflow may be together, all versions counted"
    )

    @property
    def breaker(self) -> BreakerConfig:
        """The numbers of circuit breakers."""
        return BreakerConfig(
            failure_threshold=self.breaker_failure_threshold,
            recovery_timeout_seconds=self.breaker_recovery_timeout_seconds,
            half_open_max_calls=self.breaker_half_open_max_calls,
            min_throughput=self.breaker_min_throughput,
        )
