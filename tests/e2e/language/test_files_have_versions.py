"""Files of a workflow: made again they are new versions, and hostile names are refused."""

from __future__ import annotations

import pytest
from players import Players, run

from archwright import Client, Task
from archwright.errors import ArtifactNotFound
from archwright.payloads import Json

NAME = 'notes/Größe "100%" (1).txt'


async def test_a_name_that_is_made_again_has_a_second_version(client: Client, cast: Players) -> None:
    rounds = 0

    async def write(task: Task) -> Json:
        nonlocal rounds
        rounds += 1
        await task.put_artifact(NAME, b"round %d" % rounds, "text/plain")
        return {"rounds": rounds}

    await cast.add("versioner", write)

    done = await run(
        client, "name: versions\nsteps: [{name: a, agent: versioner}, {name: b, agent: versioner, depends_on: [a]}]"
    )

    workflow_id = done.workflow.workflow_id
    listed = await client.artifacts(workflow_id, versions=True)
    assert [(each.name, each.version) for each in listed] == [(NAME, 2), (NAME, 1)]
    assert [each.version for each in await client.artifacts(workflow_id)] == [2]
    assert await client.download(workflow_id, NAME) == b"round 2"
    assert await client.download(workflow_id, NAME, version=1) == b"round 1"
    with pytest.raises(ArtifactNotFound, match="in version 3"):
        await client.download(workflow_id, NAME, version=3)


async def test_a_file_of_two_mebibytes_and_an_empty_one_come_back_whole(client: Client, cast: Players) -> None:
    large = bytes(range(256)) * 8192

    async def write(task: Task) -> Json:
        await task.put_artifact("large.bin", large)
        await task.put_artifact("empty.txt", b"", "text/plain")
        return {}

    await cast.add("sizer", write)

    done = await run(client, "name: sizes\nsteps: [{name: a, agent: sizer}]")

    assert await client.download(done.workflow.workflow_id, "large.bin") == large
    assert await client.download(done.workflow.workflow_id, "empty.txt") == b""


@pytest.mark.parametrize("name", ["../passwd", "a\\b", "a\nb", "\u202egnp.exe"], ids=ascii)
async def test_a_result_with_a_hostile_name_is_refused(client: Client, cast: Players, name: str) -> None:
    async def write(task: Task) -> Json:
        await task.put_artifact(name, b"x")
        return {}

    await cast.add("intruder", write)

    done = await run(client, "name: hostile\nsteps: [{name: a, agent: intruder}]", ends="FAILED")

    assert "is no name for an artifact" in done.why
    assert await client.artifacts(done.workflow.workflow_id) == ()
