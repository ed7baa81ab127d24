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
        """Return the requests of a question, the oldest first, as far as its index knows them yet."""
        jql = f'labels = "{correlation_id}" ORDER BY created ASC, key ASC'
        body = {"jql": jql, "fields": ["labels"], "maxResults": 10}
        answer = await self._calling.ask("POST", "/rest/api/3/search/jql", body=body)
        issues = answer.get("issues") if isinstance(answer, dict) else None
        if not isinstance(issues, list):
            raise self._calling.malformed("list `issues`")
        if any(correlation_id not in self._fields_of(issue)[1] for issue in issues):
            raise self._calling.malformed("issues of the label alone that it was asked for")
        return [self._reference(issue.get("key")) for issue in issues]

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
        issue = await self._calling.ask(
            "GET", f"/rest/api/3/issue/{reference.key}", absent=True, fields="status,labels"
        )
        if issue is None:
            raise self._calling.gone(reference.number)
        status, _ = self._fields_of(issue)
        by_status = self._described.states.get(status, Standing.UNKNOWN)
        path = f"/rest/servicedeskapi/request/{reference.key}/approval"
        answer = await self._calling.ask("GET", path, absent=True)
        approvals = answer.get("values") if isinstance(answer, dict) else None
        if answer is not None and not isinstance(approvals, list):
            raise self._calling.malformed("list `values`")
        if not approvals:
            return Looked(by_status, status)
        decision, by = _decided(approvals[-1])
        standing = _DECISIONS.get(decision, Standing.UNKNOWN)
        # Of a request that was cancelled, the approval waits for ever.
        if standing is Standing.WAITING and by_status is Standing.CANCELLED:
            return Looked(Standing.CANCELLED, status)
        return Looked(standing, decision, by)

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

    def _fields_of(self, issue: Any) -> tuple[str, frozenset[str]]:
        """Return the name of an issue's status, empty where that was not asked for, and its labels."""
        match issue:
            case {"fields": {"labels": [*labels], **rest}}:
                status = rest.get("status")
                return str(status.get("name", "")) if isinstance(status, dict) else "", frozenset(map(str, labels))
        raise self._calling.malformed("`labels` of an issue")


def _decided(approval: Any) -> tuple[str, str]:
    """Return what an approval of a request came to, and who said so."""
    match approval:
        case {"finalDecision": str() as decision, **rest}:
            approvers = rest.get("approvers")
            names = [_name_of(each, decision) for each in (approvers if isinstance(approvers, list) else [])]
            return decision, ", ".join(filter(None, names))
    return "", ""


def _name_of(approver: Any, decision: str) -> str:
    """Return who has decided so; nothing for somebody who has not."""
    match approver:
        case {"approver": {"displayName": str() as name}, "approverDecision": said} if said == decision:
            return name
    return ""
