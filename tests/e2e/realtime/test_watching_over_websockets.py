"""Whoever watches over a WebSocket sees the history, whole and once, whenever they come and whatever dies."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest
from browser import Browser, all_watched, listen, socket
from scraping import scrape
from small_mesh import Child, SmallMesh, small_mesh
from waiting import until
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, InvalidStatus

from archwright import Client
from archwright.pacing import rest
from services.chassis.metrics_catalogue import WATCHERS_CLOSED
from services.realtime.closing import CloseCode

STEPS = 12
CHAIN = "\n".join(
    ["name: watched", "steps:", *(f"  - {{name: s{n}, agent: worker, input: {{seconds: 0.1}}}}" for n in range(STEPS))]
)
LONG = """
name: long
steps:
  - name: each
    foreach: {items: input.numbers, as: number, steps: [{name: keep, set: {last: '${number}'}}]}
  - {name: word, wait: {signal: go}}
"""
WAITING = "name: waiting\nsteps: [{name: word, wait: {signal: go}}]"


@pytest.fixture(scope="module")
async def mesh(database: Any, valkey_server: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SmallMesh]:
    dsn_of = {user: database.dsn(user) for user in ("archwright_engine", "archwright_registry")}
    folder = tmp_path_factory.mktemp("mesh")
    async with small_mesh(folder, database.owner_dsn, dsn_of, replicas=2, ARCHWRIGHT_REDIS_URL=valkey_server) as found:
        await found.add_agent("worker", SLOTS="50")
        async with found.client() as client:
            for source in (CHAIN, LONG, WAITING):
                await client.definitions.publish(source)
        yield found


@pytest.fixture(scope="module")
async def realtime(mesh: SmallMesh) -> Child:
    return await mesh.add_service("realtime", **settings(mesh), ARCHWRIGHT_PING_SECONDS="0.3")


@pytest.fixture
async def client(mesh: SmallMesh) -> AsyncIterator[Client]:
    async with mesh.client() as found:
        yield found


def settings(mesh: SmallMesh) -> dict[str, str]:
    return {"ARCHWRIGHT_ENGINE_ADDRESS": ",".join(f"http://{engine.address}" for engine in mesh.engines)}


def token(mesh: SmallMesh, *, tenant: str = "acme", roles: tuple[str, ...] = ("viewer",), seconds: float = 600) -> str:
    return mesh.signer.sign(subject="vera", tenant=tenant, roles=list(roles), ttl_seconds=seconds)[0]


async def read_to_the_end(found: ClientConnection) -> None:
    """Read until the other side closes."""
    with suppress(ConnectionClosed):
        while True:
            await found.recv()


async def cut(realtime: Child) -> float:
    """Return how many were cut for being slow."""
    return (await scrape(realtime.metrics)).sum(WATCHERS_CLOSED.name, code=str(CloseCode.TOO_SLOW.value))


async def history(client: Client, workflow_id: str) -> list[int]:
    return [event.seq async for event in client.history(workflow_id)]


async def test_browsers_that_join_at_any_moment_and_come_back_see_exactly_the_history(
    mesh: SmallMesh, realtime: Child, client: Client
) -> None:
    workflow_ids = [(await client.start("watched", {})).workflow_id for _ in range(4)]
    browsers: list[Browser] = []
    chance = random.Random(7)

    async with asyncio.TaskGroup() as group:
        for _ in range(60):
            browser = Browser(token(mesh), chance.choice(workflow_ids))
            browsers.append(browser)
            group.create_task(all_watched(realtime.address, [browser]))
            await rest(chance.random() * 0.05)

    for browser in browsers:
        assert browser.seqs == await history(client, browser.workflow_id)
        assert browser.codes == [CloseCode.ENDED]


async def test_the_first_message_says_how_things_stand_and_the_last_how_they_ended(
    mesh: SmallMesh, realtime: Child, client: Client
) -> None:
    workflow_id = (await client.start("watched", {})).workflow_id

    told = await listen(realtime.address, f"/ws/workflow/{workflow_id}/events", token(mesh))

    hello, *_, ended = told.messages
    assert (hello["type"], hello["workflow"]["definition_name"], hello["after_seq"]) == ("hello", "watched", 0)
    assert ended == {"type": "ended", "status": "COMPLETED", "last_seq": told.seqs[-1]}
    event = told.of("event")[-1]["event"]
    assert (event["event_type"], event["definition_name"]) == ("workflow_completed", "watched")
    assert (told.code, told.reason) == (CloseCode.ENDED, "The workflow has ended.")


async def test_status_tells_every_stand_up_to_the_last(mesh: SmallMesh, realtime: Child, client: Client) -> None:
    workflow_id = (await client.start("watched", {})).workflow_id

    told = await listen(realtime.address, f"/ws/workflow/{workflow_id}/status", token(mesh))

    assert not told.of("event")
    done = [message["workflow"]["steps_completed_count"] for message in told.of("status")]
    assert len(done) > 2
    assert done == sorted(done)
    assert told.of("status")[-1]["workflow"]["status"] == "COMPLETED"
    assert told.messages[-1]["type"] == "ended"


async def test_who_comes_back_with_a_cursor_gets_what_came_after_it(
    mesh: SmallMesh, realtime: Child, client: Client
) -> None:
    workflow_id = (await client.start("watched", {})).workflow_id
    await client.wait(workflow_id)
    seqs = await history(client, workflow_id)

    for after_seq in (0, 1, len(seqs) - 1, len(seqs)):
        told = await listen(realtime.address, f"/ws/workflow/{workflow_id}/events?after_seq={after_seq}", token(mesh))
        assert told.seqs == seqs[after_seq:]


async def test_a_history_longer_than_what_is_remembered_is_joined_without_a_gap(
    mesh: SmallMesh, realtime: Child, client: Client
) -> None:
    workflow_id = (await client.start("long", {"numbers": list(range(400))})).workflow_id
    browsers = [Browser(token(mesh), workflow_id) for _ in range(5)]

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(all_watched(realtime.address, browsers))
        await until(lambda: all(len(browser.seqs) > 1_000 for browser in browsers))
        late = Browser(token(mesh), workflow_id, seqs=list(range(1, 900)))
        browsers.append(late)
        group.create_task(all_watched(realtime.address, [late]))
        await until(lambda: late.seqs[-1] > 1_000)
        await client.signal(workflow_id, "go", {})
        await watching

    seqs = await history(client, workflow_id)
    assert len(seqs) > 1_200
    assert all(browser.seqs == seqs for browser in browsers)


async def test_a_silent_workflow_is_pinged(mesh: SmallMesh, realtime: Child, client: Client) -> None:
    workflow_id = (await client.start("waiting", {})).workflow_id
    async with (
        asyncio.timeout(20),
        socket(realtime.address, f"/ws/workflow/{workflow_id}/events", token(mesh)) as found,
    ):
        kinds = [json.loads(await found.recv())["type"] for _ in range(6)]
    assert kinds[0] == "hello"
    assert kinds[-1] == "ping"


async def test_watchers_go_on_where_they_were_when_an_engine_dies(mesh: SmallMesh, realtime: Child) -> None:
    here, there = mesh.engines
    async with mesh.client() as client:
        workflow_ids = [(await client.start("watched", {})).workflow_id for _ in range(4)]
        browsers = [Browser(token(mesh), workflow_id) for workflow_id in workflow_ids]
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(all_watched(realtime.address, browsers))
            await until(lambda: all(len(browser.seqs) > 5 for browser in browsers))
            for engine in (here, there):
                engine.kill()
                await mesh.restart_engine(engine)
            await watching
        for browser in browsers:
            assert browser.seqs == await history(client, browser.workflow_id)


async def test_a_replica_that_stops_sends_its_watchers_elsewhere(mesh: SmallMesh, client: Client) -> None:
    stopping = await mesh.add_service("realtime", **settings(mesh))
    workflow_id = (await client.start("waiting", {})).workflow_id
    async with (
        asyncio.timeout(20),
        socket(stopping.address, f"/ws/workflow/{workflow_id}/events", token(mesh)) as found,
    ):
        await found.recv()
        assert await stopping.stop() == 0
        await read_to_the_end(found)
        assert found.close_code == CloseCode.RESTARTING


async def test_a_slow_client_is_cut_with_the_code_that_says_so_and_the_others_are_not(
    mesh: SmallMesh, client: Client
) -> None:
    narrow = await mesh.add_service("realtime", **settings(mesh), ARCHWRIGHT_WATCHER_BYTES_MAX="500000")
    workflow_id = (await client.start("waiting", {})).workflow_id
    path = f"/ws/workflow/{workflow_id}/events"
    async with asyncio.timeout(60), socket(narrow.address, path, token(mesh), max_queue=1) as slow:
        await slow.recv()
        quick = Browser(token(mesh), workflow_id)
        slow.transport.pause_reading()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(all_watched(narrow.address, [quick]))
            # How much the sockets themselves take is the machine's affair, so more is sent until somebody is cut.
            while not await cut(narrow):
                await client.signal(workflow_id, "later", {"text": "x" * 200_000})
            await client.signal(workflow_id, "go", {})
            await watching
        slow.transport.resume_reading()
        await read_to_the_end(slow)
        assert slow.close_code == CloseCode.TOO_SLOW
    assert quick.seqs == await history(client, workflow_id)


async def test_a_tenant_may_have_so_many_watchers_and_another_has_room(mesh: SmallMesh, client: Client) -> None:
    small = await mesh.add_service("realtime", **settings(mesh), ARCHWRIGHT_TENANT_WATCHERS_MAX="2")
    workflow_id = (await client.start("waiting", {})).workflow_id
    path = f"/ws/workflow/{workflow_id}/events"
    async with asyncio.timeout(20), socket(small.address, path, token(mesh)) as one:
        async with socket(small.address, path, token(mesh)) as two:
            await one.recv()
            await two.recv()
            refused = await listen(small.address, path, token(mesh))
            stranger = await listen(small.address, path, token(mesh, tenant="other"))
        async with socket(small.address, path, token(mesh)) as again:
            assert json.loads(await again.recv())["type"] == "hello"

    assert (refused.code, refused.messages[0]["reason"]) == (CloseCode.TOO_MANY, "LIMIT_REACHED")
    assert stranger.code == CloseCode.NOT_FOUND


async def test_a_token_that_expires_ends_the_watch(mesh: SmallMesh, realtime: Child, client: Client) -> None:
    workflow_id = (await client.start("waiting", {})).workflow_id
    async with asyncio.timeout(20):
        told = await listen(realtime.address, f"/ws/workflow/{workflow_id}/events", token(mesh, seconds=2))
    assert told.messages[0]["type"] == "hello"
    assert told.code == CloseCode.TOKEN_INVALID


@pytest.mark.parametrize(
    ("path", "code", "reason"),
    [
        ("/ws/workflow/{id}/events?after_seq=99999", CloseCode.CURSOR_OUT_OF_RANGE, "CURSOR_OUT_OF_RANGE"),
        ("/ws/workflow/{id}/events?after_seq=-1", CloseCode.REQUEST_INVALID, "REQUEST_INVALID"),
        ("/ws/workflow/{id}/events?after_seq=1e3", CloseCode.REQUEST_INVALID, "REQUEST_INVALID"),
        ("/ws/workflow/{id}/events?after_seq=%F0%9F%98%80", CloseCode.REQUEST_INVALID, "REQUEST_INVALID"),
        ("/ws/workflow/{id}/events?after=1", CloseCode.REQUEST_INVALID, "REQUEST_INVALID"),
        ("/ws/workflow/{id}/status?after_seq=1", CloseCode.REQUEST_INVALID, "REQUEST_INVALID"),
        ("/ws/workflow/wf_01k00000000000000000000000/events", CloseCode.NOT_FOUND, "WORKFLOW_NOT_FOUND"),
        ("/ws/workflow/%00%0a/events", CloseCode.NOT_FOUND, "WORKFLOW_NOT_FOUND"),
        (f"/ws/workflow/{'x' * 2000}/status", CloseCode.NOT_FOUND, "WORKFLOW_NOT_FOUND"),
    ],
)
async def test_what_makes_no_sense_is_refused_by_a_message_and_a_code(
    mesh: SmallMesh, realtime: Child, client: Client, path: str, code: CloseCode, reason: str
) -> None:
    workflow_id = (await client.start("waiting", {})).workflow_id

    told = await listen(realtime.address, path.replace("{id}", workflow_id), token(mesh))

    [error] = told.messages
    assert (told.code, error["type"], error["reason"]) == (code, "error", reason)


@pytest.mark.parametrize(
    ("bad", "code"), [("", CloseCode.TOKEN_INVALID), ("abc", CloseCode.TOKEN_INVALID), ("agent", CloseCode.DENIED)]
)
async def test_who_may_not_watch_is_told_so(
    mesh: SmallMesh, realtime: Child, client: Client, bad: str, code: CloseCode
) -> None:
    workflow_id = (await client.start("waiting", {})).workflow_id
    shown = token(mesh, roles=("agent",)) if bad == "agent" else bad

    assert (await listen(realtime.address, f"/ws/workflow/{workflow_id}/events", shown)).code == code


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/workflow/x", "/ws/workflow/x/tasks", "/ws/workflow//events"])
async def test_what_is_no_place_of_ours_is_refused_as_http(mesh: SmallMesh, realtime: Child, path: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await listen(realtime.address, path, token(mesh))
    assert refused.value.response.status_code == 404


@pytest.mark.parametrize(
    "request_text",
    [
        b"GET /ws/workflow/x/events HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /ws/workflow/x/events HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
        b"POST /ws/workflow/x/events HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /ws/workflow/x/events HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n",
    ],
)
async def test_a_malformed_upgrade_is_refused_and_harms_nobody(
    mesh: SmallMesh, realtime: Child, client: Client, request_text: bytes
) -> None:
    host, _, port = realtime.address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request_text)
    writer.write_eof()
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()

    assert b"101 " not in answer[:20]
    workflow_id = (await client.start("watched", {})).workflow_id
    assert (await listen(realtime.address, f"/ws/workflow/{workflow_id}/status", token(mesh))).code == CloseCode.ENDED


async def test_a_client_that_talks_is_stopped(mesh: SmallMesh, realtime: Child, client: Client) -> None:
    workflow_id = (await client.start("waiting", {})).workflow_id
    path = f"/ws/workflow/{workflow_id}/events"
    async with asyncio.timeout(20):
        async with socket(realtime.address, path, token(mesh)) as loud:
            await loud.recv()
            await loud.send("x" * 100_000)
            await read_to_the_end(loud)
            assert loud.close_code == 1009
        async with socket(realtime.address, path, token(mesh)) as chatty:
            with suppress(ConnectionClosed):
                while True:
                    await chatty.send("hello?")
            assert chatty.close_code == CloseCode.REQUEST_INVALID


async def test_nothing_of_all_this_was_a_fault_of_ours(mesh: SmallMesh, realtime: Child) -> None:
    for log_file in mesh.folder.glob("realtime-*.log"):
        assert '"level":"error"' not in log_file.read_text(), log_file.read_text()[-3000:]
