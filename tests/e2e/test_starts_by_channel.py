"""Starts that name a version, a channel or nothing, while versions are published, moved and deprecated."""

from __future__ import annotations

import asyncio
from itertools import count
from typing import Any

import pytest

from archwright import Client
from archwright.client.schedules import every
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.errors import DefinitionDeprecated, DefinitionNotFound, InputMismatch, RequestIdReused

_numbers = count(1)


@pytest.fixture
def name() -> str:
    """A definition that is not there yet."""
    return f"by_channel_{next(_numbers)}"


def source(name: str, version: str, head: str = "") -> str:
    return f"name: {name}\nversion: {version}\n{head}steps:\n  - {{name: say, set: {{version: '{version}'}}}}\n"


async def test_a_start_follows_what_a_channel_points_at_when_it_begins(whole_mesh: Any, name: str) -> None:
    async with Client.local(whole_mesh.state) as client:
        await client.definitions.publish(source(name, "1.0.0"), channels=["stable"])
        await client.definitions.publish(source(name, "1.1.0"), channels=["canary"])
        await client.definitions.publish(source(name, "2.0.0-rc.1"))

        for version, expected in (("stable", "1.0.0"), ("canary", "1.1.0"), ("", "1.1.0"), ("latest", "1.1.0")):
            started = await client.start(name, {}, version=version)
            assert started.definition_version == expected
        await client.definitions.set_channel(name, "stable", "2.0.0-rc.1")
        moved = await asyncio.gather(*(client.start(name, {}, version="stable") for _ in range(20)))

        assert {each.definition_version for each in moved} == {"2.0.0-rc.1"}
        done = await client.wait(moved[0].workflow_id)
        assert (done.status, done.definition_version) == (Workflow.COMPLETED, "2.0.0-rc.1")


async def test_a_repeated_start_is_the_same_whatever_became_of_its_definition(whole_mesh: Any, name: str) -> None:
    async with Client.local(whole_mesh.state) as client:
        await client.definitions.publish(source(name, "1.0.0"), channels=["stable"])
        by_version = await client.start(name, {}, version="1.0.0", request_id=f"{name}/version")
        by_channel = await client.start(name, {}, version="stable", request_id=f"{name}/channel")
        newest = await client.start(name, {}, request_id=f"{name}/latest")

        demanding = "input_schema: {type: object, required: [who]}\n"
        await client.definitions.publish(source(name, "2.0.0", demanding))
        await client.definitions.delete_channel(name, "stable")
        await client.definitions.deprecate(name, "1.0.0", "it is too old")

        for version, request, first in (
            ("1.0.0", "version", by_version),
            ("stable", "channel", by_channel),
            ("", "latest", newest),
        ):
            again = await client.start(name, {}, version=version, request_id=f"{name}/{request}")
            assert (again.workflow_id, again.definition_version) == (first.workflow_id, "1.0.0")
        with pytest.raises(RequestIdReused):
            await client.start(name, {"other": 1}, version="1.0.0", request_id=f"{name}/version")
        with pytest.raises(DefinitionDeprecated, match="it is too old"):
            await client.start(name, {}, version="1.0.0")
        with pytest.raises(DefinitionNotFound, match="has no channel 'stable'"):
            await client.start(name, {}, version="stable")
        with pytest.raises(InputMismatch):
            await client.start(name, {})


async def test_who_follows_a_version_already_goes_on_with_it(whole_mesh: Any, name: str) -> None:
    parent = (
        f"name: parent_of_{name}\nsteps:\n  - {{name: pause, wait: {{signal: go}}}}\n"
        f"  - {{name: child, workflow: {{name: {name}, version: 1.0.0}}}}\n"
    )
    async with Client.local(whole_mesh.state) as client:
        await client.definitions.publish(source(name, "1.0.0"))
        await client.definitions.publish(parent)
        under_way = await client.start(f"parent_of_{name}", {})

        await client.definitions.deprecate(name, "1.0.0")
        await client.signal(under_way.workflow_id, "go")

        done = await client.wait(under_way.workflow_id)
        assert done.status == Workflow.COMPLETED, done
        assert done.output["child"]["say"]["version"] == "1.0.0"


async def test_a_schedule_of_a_deprecated_version_is_not_made(whole_mesh: Any, name: str) -> None:
    async with Client.local(whole_mesh.state) as client:
        await client.definitions.publish(source(name, "1.0.0"))
        await client.definitions.deprecate(name, "1.0.0", "it is too old")

        with pytest.raises(DefinitionDeprecated, match="it is too old"):
            await client.schedules.create(name, name, {}, every(3600), version="1.0.0")

        await client.definitions.restore(name, "1.0.0")
        await client.schedules.create(name, name, {}, every(3600), version="1.0.0")
        await client.schedules.delete(name)
