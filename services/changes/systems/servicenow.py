"""ServiceNow, by its Table API: a change request for each question, found again by its `correlation_id`.

The field `approval` says how it stands; who decided, and what they said, is read from `sysapproval_approver`.
Fields and values as of the Table API, https://www.servicenow.com/docs, "Table API" and "Change request".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from services.changes.port import Change, Looked, Reference, Standing
from services.changes.rules import ServiceNow
from services.changes.systems.calling import Calling
from services.chassis.clock import Clock

_CHANGES = "/api/now/table/change_request"
_APPROVERS = "/api/now/table/sysapproval_approver"
_FIELDS = "sys_id,number,approval,state,correlation_id"


class ServiceNowChanges:
    """The change requests of one ServiceNow."""

    def __init__(self, described: ServiceNow, transport: httpx.AsyncBaseTransport, clock: Clock) -> None:
        self._described = described
        headers, auth = {}, None
        if described.token is not None:
            headers["authorization"] = f"Bearer {described.token.get_secret_value()}"
        elif described.password is not None:
            auth = httpx.BasicAuth(described.user, described.password.get_secret_value())
        self._client = httpx.AsyncClient(
            transport=transport, base_url=described.url, headers=headers, auth=auth, trust_env=False
        )
        self._calling = Calling("ServiceNow", self._client, clock)

    async def find(self, correlation_id: str) -> Sequence[Reference]:
        """Return the change requests of a question, the oldest first."""
        found = await self._rows(
            _CHANGES, f"correlation_id={correlation_id}^ORDERBYsys_created_on^ORDERBYnumber", _FIELDS
        )
        # A condition that a ServiceNow does not understand is left out, and whatever there is comes back. Ours may be
        # there and not among it, so nothing can be said then, least of all that there is none.
        if any(row.get("correlation_id") != correlation_id for row in found):
            raise self._calling.malformed("changes of the `correlation_id` alone that it was asked for")
        return [self._reference(row) for row in found]

    async def open(self, change: Change) -> Reference:
        """Open a change request."""
        body = {
            **self._described.fields,
            "short_description": change.summary,
            "description": change.description,
            "correlation_id": change.correlation_id,
            "correlation_display": "Archwright",
            "approval": "requested",
        }
        answer = await self._calling.ask("POST", _CHANGES, body=body)
        return self._reference(_result(answer))

    async def look(self, reference: Reference) -> Looked:
        """Return how a change request stands."""
        answer = await self._calling.ask("GET", f"{_CHANGES}/{reference.key}", absent=True, sysparm_fields=_FIELDS)
        if answer is None:
            raise self._calling.gone(reference.number)
        row = _result(answer)
        if not isinstance(row, dict):
            raise self._calling.malformed("`result`")
        state = str(row.get("approval", ""))
        standing = self._described.states.get(state.lower(), Standing.UNKNOWN)
        if standing is Standing.WAITING and str(row.get("state", "")) == self._described.cancelled_state:
            return Looked(Standing.CANCELLED, f"state {row['state']}")
        if standing in {Standing.APPROVED, Standing.REJECTED}:
            by, comment = await self._decided(reference, state)
            return Looked(standing, state, by, comment)
        return Looked(standing, state)

    async def withdraw(self, reference: Reference, why: str) -> None:
        """Cancel a change request."""
        body = {"state": self._described.cancelled_state, "work_notes": why}
        await self._calling.ask("PATCH", f"{_CHANGES}/{reference.key}", body=body, absent=True)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _decided(self, reference: Reference, state: str) -> tuple[str, str]:
        """Return who decided, and what they said."""
        rows = await self._rows(
            _APPROVERS, f"sysapproval={reference.key}^state={state}", "approver.name,comments", display="true"
        )
        if not rows:
            return "", ""
        return ", ".join(str(row.get("approver.name", "")) for row in rows), str(rows[0].get("comments", ""))

    async def _rows(self, path: str, query: str, fields: str, display: str = "false") -> list[dict[str, Any]]:
        answer = await self._calling.ask(
            "GET",
            path,
            sysparm_query=query,
            sysparm_fields=fields,
            sysparm_limit="10",
            sysparm_display_value=display,
        )
        found = _result(answer)
        if not isinstance(found, list) or not all(isinstance(row, dict) for row in found):
            raise self._calling.malformed("list `result`")
        return found

    def _reference(self, row: Any) -> Reference:
        if not isinstance(row, dict) or not row.get("sys_id"):
            raise self._calling.malformed("`sys_id`")
        return Reference(str(row["sys_id"]), str(row.get("number") or row["sys_id"]))


def _result(answer: Any) -> Any:
    return answer.get("result") if isinstance(answer, dict) else None
