"""Plans by HCP Terraform, Terraform Enterprise, or what speaks their API: speculative runs, which cannot be applied.

The code is uploaded as a speculative configuration and run with `plan-only`. Either would do; with both, even a
workspace that applies by itself does not.
"""

from __future__ import annotations

import io
import tarfile
from collections.abc import Awaitable, Callable, Container, Mapping
from typing import Any

import httpx

from archwright.agents.v1.developer_pb2 import DeploymentPlan
from archwright.errors import DependencyUnavailable, PayloadInvalid
from archwright.pacing import rest

CALL_SECONDS_MAX = 30.0
PLAN_SECONDS_MAX = 300.0
_MEDIA_TYPE = "application/vnd.api+json"
_READY = "uploaded"
_PLANNED = frozenset({"planned_and_finished", "planned_and_saved"})
_FAILED = frozenset({"errored", "canceled", "force_canceled", "discarded", "policy_soft_failed"})


class TerraformCloud:
    """One workspace."""

    def __init__(self, url: str, workspace_id: str, token: str, *, pause_seconds: float = 2.0) -> None:
        self._url = url.rstrip("/")
        self._workspace_id = workspace_id
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": _MEDIA_TYPE}
        self._pause_seconds = pause_seconds

    @property
    def name(self) -> str:
        """Who it is."""
        return "terraform cloud"

    async def plan(self, files: Mapping[str, bytes]) -> DeploymentPlan:
        """Return what the workspace says that these files would change."""
        async with httpx.AsyncClient(timeout=CALL_SECONDS_MAX, follow_redirects=False, trust_env=False) as client:
            configuration = await self._uploaded(client, _packed(files))
            run_id, run = await self._run(client, configuration)
            plan_id = run["relationships"]["plan"]["data"]["id"]
            found = (await self._call(client, "GET", f"/api/v2/plans/{plan_id}"))["data"]["attributes"]
        return DeploymentPlan(
            provider=self.name,
            additions=found.get("resource-additions") or 0,
            changes=found.get("resource-changes") or 0,
            destructions=found.get("resource-destructions") or 0,
            url=f"{self._url}/app/runs/{run_id}",
        )

    async def _uploaded(self, client: httpx.AsyncClient, content: bytes) -> str:
        """Return the id of a configuration that holds the files."""
        attributes = {"auto-queue-runs": False, "speculative": True}
        made = await self._call(
            client,
            "POST",
            f"/api/v2/workspaces/{self._workspace_id}/configuration-versions",
            {"data": {"type": "configuration-versions", "attributes": attributes}},
        )
        configuration, place = made["data"]["id"], made["data"]["attributes"]["upload-url"]
        headers = {"Content-Type": "application/octet-stream"}
        answer = await self._sent(client, "PUT", place, content=content, headers=headers)
        if answer.is_error:
            raise DependencyUnavailable(f"{self._url} did not take the files: {answer.status_code}.")

        async def status() -> Any:
            return await self._call(client, "GET", f"/api/v2/configuration-versions/{configuration}")

        await self._until(status, {_READY})
        return str(configuration)

    async def _run(self, client: httpx.AsyncClient, configuration: str) -> tuple[str, dict[str, Any]]:
        relationships = {
            "workspace": {"data": {"type": "workspaces", "id": self._workspace_id}},
            "configuration-version": {"data": {"type": "configuration-versions", "id": configuration}},
        }
        attributes = {"plan-only": True, "message": "What Archwright designed. Nothing is applied."}
        body = {"data": {"type": "runs", "attributes": attributes, "relationships": relationships}}
        run_id = str((await self._call(client, "POST", "/api/v2/runs", body))["data"]["id"])

        async def status() -> Any:
            return await self._call(client, "GET", f"/api/v2/runs/{run_id}")

        return run_id, await self._until(status, _PLANNED)

    async def _until(self, look: Callable[[], Awaitable[Any]], wished: Container[str]) -> dict[str, Any]:
        """Look until the status is one of those that are wished for."""
        waited = 0.0
        while True:
            found: dict[str, Any] = (await look())["data"]
            status = found["attributes"]["status"]
            if status in wished:
                return found
            if status in _FAILED:
                raise PayloadInvalid(f"{self._url} could not plan the infrastructure code: it is {status}.")
            if waited >= PLAN_SECONDS_MAX:
                raise DependencyUnavailable(f"{self._url} is still {status} after {PLAN_SECONDS_MAX:g} s.")
            await rest(self._pause_seconds)
            waited += self._pause_seconds

    async def _call(self, client: httpx.AsyncClient, verb: str, path: str, body: object = None) -> Any:
        answer = await self._sent(client, verb, f"{self._url}{path}", json=body, headers=self._headers)
        if answer.is_error:
            raise DependencyUnavailable(f"{self._url}{path} answered {answer.status_code}.")
        try:
            return answer.json()
        except ValueError as error:
            raise DependencyUnavailable(f"{self._url}{path} answered with something that is no JSON.") from error

    async def _sent(self, client: httpx.AsyncClient, verb: str, url: str, **what: Any) -> httpx.Response:
        try:
            return await client.request(verb, url, **what)
        except httpx.HTTPError as error:
            raise DependencyUnavailable(f"{self._url} does not answer: {error or type(error).__name__}.") from error


def _packed(files: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, content in sorted(files.items()):
            entry = tarfile.TarInfo(path)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
