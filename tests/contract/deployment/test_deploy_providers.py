"""What every deploy provider does: it plans, it never deploys, and what it cannot plan it says."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from role_chain import HOSPITAL, outputs_of
from terraform_server import TOKEN, WORKSPACE, TerraformServer, terraform_server

from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.errors import DependencyUnavailable, PayloadInvalid
from services.agents.roles.developer.deliverable import produce
from services.agents.roles.developer.deployment.chosen import infrastructure_code, plan_deployment
from services.agents.roles.developer.deployment.dry_run import DryRun
from services.agents.roles.developer.deployment.port import DeployProvider
from services.agents.roles.developer.deployment.terraform_cloud import TerraformCloud

Served = Callable[[], AbstractAsyncContextManager[DeployProvider]]
FILES = {
    "main.tf.json": json.dumps(
        {"resource": {"aws_lb": {"entry": {}}, "aws_instance": {"host": {"count": 2}, "other": {}}}}
    ).encode()
}


def cloud(server: TerraformServer, token: str = TOKEN) -> TerraformCloud:
    return TerraformCloud(server.url, WORKSPACE, token, pause_seconds=0.01)


@asynccontextmanager
async def embedded() -> AsyncIterator[DeployProvider]:
    yield DryRun()


@asynccontextmanager
async def elsewhere() -> AsyncIterator[DeployProvider]:
    async with terraform_server() as server:
        yield cloud(server)


@pytest.mark.parametrize("served", [embedded, elsewhere])
class TestEveryProvider:
    async def test_it_counts_what_would_change_and_names_itself(self, served: Served) -> None:
        async with served() as provider:
            plan = await provider.plan(FILES)

        assert plan.additions > 0
        assert plan.provider == provider.name

    async def test_it_has_no_way_to_deploy(self, served: Served) -> None:
        async with served() as provider:
            public = {name for name, _ in inspect.getmembers(provider) if not name.startswith("_")}

        assert public - {"read"} == {"name", "plan"}


async def test_a_dry_run_lists_every_resource() -> None:
    plan = await DryRun().plan(FILES)

    assert list(plan.resources) == [
        "aws_instance.host[0]",
        "aws_instance.host[1]",
        "aws_instance.other",
        "aws_lb.entry",
    ]
    assert (plan.additions, plan.changes, plan.destructions) == (4, 0, 0)


@pytest.mark.parametrize("content", [b"resource {", b"[]", b'{"resource": []}'])
async def test_code_that_is_none_is_refused_by_its_file(content: bytes) -> None:
    with pytest.raises(PayloadInvalid, match=r"main\.tf\.json"):
        await DryRun().plan({"main.tf.json": content})


async def test_the_service_gets_the_files_in_a_run_that_cannot_be_applied() -> None:
    async with terraform_server() as server:
        plan = await cloud(server).plan(FILES)

    assert server.files == FILES
    assert server.configurations == [{"auto-queue-runs": False, "speculative": True}]
    [run] = server.runs
    assert run["attributes"]["plan-only"] is True
    assert (plan.additions, plan.changes, plan.destructions) == (12, 3, 1)
    assert plan.url == f"{server.url}/app/runs/run-1"


async def test_code_that_the_service_cannot_plan_is_said_to_be_so() -> None:
    async with terraform_server("errored") as server:
        with pytest.raises(PayloadInvalid, match="errored"):
            await cloud(server).plan(FILES)


@pytest.mark.parametrize("broken", ["configuration-versions", "cv-1", "runs", "run-1", "plan-1"])
async def test_a_service_that_fails_is_named(broken: str) -> None:
    async with terraform_server(broken=broken) as server:
        with pytest.raises(DependencyUnavailable, match="500"):
            await cloud(server).plan(FILES)


async def test_a_wrong_token_is_told() -> None:
    async with terraform_server() as server:
        with pytest.raises(DependencyUnavailable, match="401"):
            await cloud(server, "wrong").plan(FILES)


@pytest.fixture
async def repository() -> AgentOutput:
    known = await outputs_of(HOSPITAL, until="solution")
    return produce(*(known[key] for key in ("requirements", "application", "infrastructure", "solution")))


async def test_the_developers_plan_is_a_dry_run_of_its_own_code(repository: AgentOutput) -> None:
    plan = repository.scaffold.deployment_plan

    assert plan.provider == "dry run"
    assert plan == await DryRun().plan(infrastructure_code(repository.scaffold))
    assert plan.additions == len(plan.resources) > 5


async def test_a_services_plan_takes_its_place(repository: AgentOutput) -> None:
    async with terraform_server() as server:
        await plan_deployment(repository, cloud(server))

    assert repository.scaffold.deployment_plan.provider == "terraform cloud"
    assert set(server.files) == {"main.tf.json"}


async def test_without_a_service_that_answers_the_dry_run_stands_and_that_is_said(repository: AgentOutput) -> None:
    before = repository.scaffold.deployment_plan.additions

    await plan_deployment(repository, TerraformCloud("http://127.0.0.1:9", WORKSPACE, TOKEN))

    assert repository.scaffold.deployment_plan.additions == before
    assert "DEPLOYMENT_NOT_PLANNED" in {finding.code for finding in repository.findings}
