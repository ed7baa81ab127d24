"""Jira Service Management: a request for each question, found again by a label.

Where the request type has approvals, the last of them says how it stands; elsewhere the name of its status does.
Paths and fields as of Jira Cloud's REST interfaces, https://developer.atlassian.com/cloud: "Request" of the service
desk's, and "Issue search", "Issues" of the platform's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import httpx

from services.changes.port import Change, Looked, Reference, Standing
from services.changes.rules import Jira
from services.changes.systems.calling import Calling
from services.chassis.clock import Clock

_DECISIONS: Final = {
    "approved": Standing.APPROVED,
    "declined": Standing.REJECTED,
    "pending": Standing.WAITING,
}


class JiraChanges:
    """The requests of one service desk."""

    def __init__(self, described: Jira, transport: httpx.AsyncBaseTransport, clock: Clock) -> None:
        self._described = described
        auth = httpx.BasicAuth(described.user, described.token.get_secret_value())
        self._client = httpx.AsyncClient(transport=transport, base_url=described.url, auth=auth, trust_env=False)
        self._calling = Calling("Jira", self._client, clock)

    async def find(self, correlation_id: str) -> Sequence[Reference]:
        """Return the requests of a question, the oldest first; Jira's search finds a new one some seconds later."""
        body = {"jql": f'labels = "{correlation_id}" ORDER BY created', "fields": ["labels"], "maxResults": 10}
        answer = await self._calling.ask("POST", "/rest/api/3/search/jql", body=body)
        issues = answer.get("issues") if isinstance(answer, dict) else None
        if not isinstance(issues, list):
            raise self._calling.malformed("list `issues`")
        return [self._reference(each.get("key")) for each in issues if correlation_id in _labels(each)]

    async def open(self, change: Change) -> Reference:
        """Open a request."""
        values = {
            **self._described.fields,
            "summary": change.summary,
            "description": change.description,
            "labels": [change.correlation_id],
        }
        body = {
            "serviceDeskId": self._described.service_desk,
            "requestTypeId": self._described.request_type,
            "requestFieldValues": values,
        }
        answer = await self._calling.ask("POST", "/rest/servicedeskapi/request", body=body)
        return self._reference(answer.get("issueKey") if isinstance(answer, dict) else None)

    async def look(self, reference: Reference) -> Looked:
        """Return how a request stands."""
        path = f"/rest/servicedeskapi/request/{reference.key}/approval"
        answer = await self._calling.ask("GET", path, absent=True)
        if answer is not None:
            values = answer.get("values") if isinstance(answer, dict) else None
            if not isinstance(values, list):
                raise self._calling.malformed("list `values`")
            if values:
                return _of_approval(values[-1])
        issue = await self._calling.ask("GET", f"/rest/api/3/issue/{reference.key}", absent=True, fields="status")
        if issue is None:
            raise self._calling.gone(reference.number)
        status = str(((issue.get("fields") or {}).get("status") or {}).get("name", ""))
        return Looked(self._described.states.get(status, Standing.UNKNOWN), status)

    async def withdraw(self, reference: Reference, why: str) -> None:
        """Say that nobody needs to decide, and cancel the request where the rules say how."""
        body = {"body": why, "public": True}
        path = f"/rest/servicedeskapi/request/{reference.key}/comment"
        if await self._calling.ask("POST", path, body=body, absent=True) is None:
            return
        if self._described.cancel_transition:
            transition = {"transition": {"id": self._described.cancel_transition}}
            await self._calling.ask(
                "POST", f"/rest/api/3/issue/{reference.key}/transitions", body=transition, absent=True
            )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    def _reference(self, key: Any) -> Reference:
        if not isinstance(key, str) or not key:
            raise self._calling.malformed("key of an issue")
        return Reference(key, key)


def _labels(issue: Any) -> Sequence[str]:
    return ((issue.get("fields") or {}).get("labels") or ()) if isinstance(issue, dict) else ()


def _of_approval(approval: Any) -> Looked:
    decision = str(approval.get("finalDecision", "")) if isinstance(approval, dict) else ""
    approvers = approval.get("approvers") or [] if isinstance(approval, dict) else []
    by = ", ".join(
        str((each.get("approver") or {}).get("displayName", ""))
        for each in approvers
        if each.get("approverDecision") == decision
    )
    return Looked(_DECISIONS.get(decision, Standing.UNKNOWN), decision, by)
