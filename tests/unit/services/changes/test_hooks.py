"""Webhooks ring for whoever knows the secret, and do nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from services.changes.hooks import BODY_BYTES_MAX, SECRET_HEADER, Rings, hooks, listening, server_of
from services.changes.rules import Jira, Rule

SECRET = "sécret-of-tests"


class Bell:
    """Counts how often somebody rang."""

    def __init__(self) -> None:
        self.rung = 0

    def ring(self) -> None:
        self.rung += 1


def rule(name: str, secret: str | None) -> Rule:
    desk = {"kind": "jira", "url": "https://jira.example", "user": "a", "service_desk": "1", "request_type": "2"}
    return Rule.model_construct(
        name=name,
        tenant="acme",
        system=Jira.model_construct(**desk, token=SecretStr("s3cret")),
        token_file=Path(),
        hook_secret=None if secret is None else SecretStr(secret),
    )


@asynccontextmanager
async def hooked(rings: Rings) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the hooks, and give a client of them."""
    server = server_of(hooks(rings))
    with listening("127.0.0.1", 0) as socket:
        async with asyncio.TaskGroup() as group:
            group.create_task(server.serve([socket]))
            url = f"http://127.0.0.1:{socket.getsockname()[1]}/hooks/changes/"
            async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
                yield client
            server.should_exit = True


async def test_only_who_shows_the_secret_of_the_rule_rings() -> None:
    reviews, silent = Bell(), Bell()
    rings = {"reviews": (rule("reviews", SECRET), reviews), "silent": (rule("silent", None), silent)}
    async with hooked(rings) as client:
        right = {SECRET_HEADER: SECRET.encode()}
        refused = [
            await client.post("reviews"),
            await client.post("reviews", headers={SECRET_HEADER: "sécret".encode()}),
            await client.post("reviews", headers={SECRET_HEADER: b""}),
            await client.post("silent", headers=right),
            await client.post("silent", headers={SECRET_HEADER: b""}),
            await client.post("nobody", headers=right),
        ]
        taken = [await client.post("reviews", headers=right, json={"again": True}) for _ in range(2)]

    assert {answer.status_code for answer in refused} == {404}
    assert len({answer.text for answer in refused}) == 1
    assert [answer.status_code for answer in taken] == [202, 202]
    assert (reviews.rung, silent.rung) == (2, 0)


async def pieces(total: int) -> AsyncIterator[bytes]:
    for _ in range(0, total, 4_096):
        yield b"x" * 4_096


@pytest.mark.parametrize(("size", "status"), [(BODY_BYTES_MAX, 202), (BODY_BYTES_MAX + 4_096, 413)])
async def test_a_body_is_read_so_far_and_no_farther_whether_its_length_is_told_or_not(size: int, status: int) -> None:
    bell = Bell()
    async with hooked({"reviews": (rule("reviews", SECRET), bell)}) as client:
        for content in (b"x" * size, pieces(size)):
            answer = await client.post("reviews", headers={SECRET_HEADER: SECRET.encode()}, content=content)
            assert answer.status_code == status

    assert bell.rung == (2 if status == 202 else 0)
