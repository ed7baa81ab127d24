"""People and systems are told what happens to real workflows, as it happens, by rules in a file."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from documents import blocks
from hook_server import HookServer, hook_server
from mail_server import Mailbox, mail_server
from small_mesh import SmallMesh, small_mesh

from archwright.engine.v1.approvals_pb2 import Approval

SECRET = "whsec_" + base64.b64encode(b"secret-of-tests-with-32-bytes!!!").decode()
SECONDS_MAX = 30.0
SIGN_OFF = """
name: sign_off
steps:
  - name: consent
    approval: {approvers: ["role:operator"], expires_after: 1h}
    input: {amount: "${amount}"}
"""
RULES = """
channels:
  mail: {{kind: email, host: 127.0.0.1, port: {mail_port}, tls: none, from: a@example.com, to: [people@example.com]}}
  system: {{kind: webhook, url: "{hook}", secret: {{env: SYSTEM_SECRET}}}}
rules:
  - {{name: decisions, tenant: acme, on: {{events: [approval_requested], definitions: [sign_off]}}, to: [mail]}}
  - {{name: ends, tenant: acme, on: {{status: [completed, cancelled]}}, to: [mail, system]}}
"""


@pytest.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    async with mail_server() as found:
        yield found


@pytest.fixture
async def hooks() -> AsyncIterator[HookServer]:
    async with hook_server() as found:
        yield found


@pytest.fixture
async def mesh(
    databases: Any, valkey: str, tmp_path: Path, mailbox: Mailbox, hooks: HookServer
) -> AsyncIterator[SmallMesh]:
    """A mesh with a notifier, which sends to these two."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.format(mail_port=mailbox.port, hook=hooks.url))
    async with databases() as own:
        dsn_of = {user: own.dsn(user) for user in ("archwright_engine", "archwright_registry")}
        async with small_mesh(tmp_path, own.owner_dsn, dsn_of, ARCHWRIGHT_REDIS_URL=valkey) as found:
            await found.add_service(
                "notifier",
                ARCHWRIGHT_REDIS_URL=valkey,
                ARCHWRIGHT_NOTIFIER_RULES_FILE=str(rules),
                ARCHWRIGHT_NOTIFIER_ALLOW="127.0.0.0/8",
                ARCHWRIGHT_PUBLIC_URL="https://archwright.example.com",
                SYSTEM_SECRET=SECRET,
            )
            async with found.client() as client:
                await client.definitions.publish(SIGN_OFF)
            yield found


async def test_who_must_decide_is_asked_by_mail_and_the_end_is_told(
    mesh: SmallMesh, mailbox: Mailbox, hooks: HookServer
) -> None:
    async with mesh.client() as client:
        workflow = await client.start("sign_off", {"amount": 7})
        approval = await _asked(client)
        await _until(mailbox.changed, lambda: len(mailbox.mails) == 1)
        await client.approvals.approve(approval, "looks good")
        await _until(mailbox.changed, lambda: len(mailbox.mails) == 2)
        await _until(hooks.changed, lambda: len(hooks.asked) == 1)

    asking, ending = mailbox.mails
    assert asking["Subject"] == "Your decision is needed: sign_off"
    text = asking.get_content()
    assert "waits at the step consent until people decide" in text
    assert f"archwright approvals show {approval.approval_id}" in text
    assert f"https://archwright.example.com/api/v1/workflows/{workflow.workflow_id}" in text
    assert "looks good" not in ending.get_content()
    assert ending["Subject"] == "Completed: sign_off"
    [told] = hooks.asked
    assert told.json["type"] == "dev.archwright.workflow_completed"
    [ten_lines] = blocks("docs/notifications.md", "Webhooks: who is calling?", "python")
    there: dict[str, Any] = {}
    exec(ten_lines, there)
    assert there["is_ours"](told.headers, told.body, SECRET)


async def test_what_ends_while_the_notifier_is_dead_is_told_when_it_is_back(
    mesh: SmallMesh, mailbox: Mailbox, hooks: HookServer
) -> None:
    [notifier] = mesh.others
    notifier.kill()
    await notifier.gone()
    async with mesh.client() as client:
        workflow = await client.start("sign_off", {"amount": 7})
        await client.cancel(workflow.workflow_id)
    await notifier.start()

    await _until(hooks.changed, lambda: len(hooks.asked) == 1)
    await _until(mailbox.changed, lambda: len(mailbox.mails) == 2)
    assert hooks.asked[0].json["type"] == "dev.archwright.workflow_cancelled"


async def _asked(client: Any) -> Approval:
    [approval] = [each async for each in client.approvals.list()]
    found = await client.approvals.get(approval.approval_id)
    assert isinstance(found, Approval)
    return found


async def _until(changed: asyncio.Condition, is_so: Any) -> None:
    async with asyncio.timeout(SECONDS_MAX), changed:
        await changed.wait_for(is_so)
