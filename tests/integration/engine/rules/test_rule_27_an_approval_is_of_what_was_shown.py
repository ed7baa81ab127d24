"""Rule 27: whoever approves names the hash of what was shown, and a quorum is of different people."""

from __future__ import annotations

from typing import Any

import pytest
from storages import entry_of

from archwright.errors import TransitionIllegal
from services.engine.domain.commands import DecideApproval
from services.engine.domain.transitions import WorkflowStatus
from services.engine.domain.workflow import OpenApproval


async def test_the_hash_is_part_of_the_guarded_state_and_another_one_is_refused(storage: Any) -> None:
    stored = await storage.start(plan="agreed")

    with pytest.raises(TransitionIllegal, match="Look at the approval once more"):
        deciding(storage, stored, "ann", shown_sha256="0" * 64)

    assert len(approval_of(stored).shown_sha256) == 64
    assert approval_of(await storage.load(stored.key)) == approval_of(stored)


async def test_one_person_who_agrees_twice_is_one(storage: Any) -> None:
    stored = await storage.start(plan="agreed")
    await storage.commit(deciding(storage, stored, "ann"))
    stored = await storage.load(stored.key)

    with pytest.raises(TransitionIllegal, match="'ann' has agreed already"):
        deciding(storage, stored, "ann")
    await storage.commit(deciding(storage, stored, "bob"))

    assert (await storage.load(stored.key)).workflow.status is WorkflowStatus.COMPLETED


async def test_of_two_people_who_agree_at_once_on_two_replicas_neither_is_forgotten(
    storage: Any, other_storage: Any
) -> None:
    stored = await storage.start(plan="agreed")
    [first] = await storage.commit(deciding(storage, stored, "ann"))
    [second] = await other_storage.commit(deciding(other_storage, stored, "bob"))
    assert (first.verdict, second.verdict) == ("won", "lost")

    await other_storage.commit(deciding(other_storage, await other_storage.load(stored.key), "bob"))

    assert (await storage.load(stored.key)).workflow.status is WorkflowStatus.COMPLETED


def approval_of(stored: Any) -> OpenApproval:
    [approval] = stored.workflow.open.values()
    assert isinstance(approval, OpenApproval)
    return approval


def deciding(storage: Any, stored: Any, user: str, shown_sha256: str = "") -> Any:
    approval = approval_of(stored)
    command = DecideApproval(
        now=storage.now(),
        approval_id=approval.approval_id,
        user_id=user,
        roles=frozenset({"operator"}),
        approved=True,
        comment="",
        shown_sha256=shown_sha256 or approval.shown_sha256,
    )
    return entry_of(stored, command)
