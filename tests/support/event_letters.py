"""Dead letters of events, as groups of the bus make them."""

from __future__ import annotations

from storages import TENANT, Storage

from archwright import ids
from services.engine.ports.dead_letters import LetterKind, LetterRow


def of_event(storage: Storage, event_id: str = "e1", tenant: str = TENANT) -> LetterRow:
    return LetterRow(
        letter_id=ids.show("letter", ids.new_uuid()),
        tenant=tenant,
        kind=LetterKind.EVENT,
        workflow_id=ids.show("wf", ids.new_uuid()),
        definition_name="chain",
        definition_version="1.0.0",
        category="",
        code="EVENT_GIVEN_UP",
        attempts=5,
        created_at=storage.now(),
        group="notifier",
        event_id=event_id,
        envelope=b'{"id": "e1"}',
        error="the server said no",
    )
