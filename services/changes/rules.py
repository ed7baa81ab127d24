"""Which approvals go to which system, as an operator writes it. Secrets are named, never written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from services.changes.port import Standing
from services.chassis.rules_file import Problem, Where, read_rules_file
from services.chassis.secrets_named import reveal
from services.secret_fields import Secret


def _is_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("is no URL such as https://example.service-now.com")
    return url.rstrip("/")


Url = Annotated[str, AfterValidator(_is_url)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ServiceNow(_Part):
    """A ServiceNow: its change requests, over the Table API."""

    kind: Literal["servicenow"]
    url: Url
    user: str = ""
    password: Secret | None = None
    token: Secret | None = None
    """An OAuth token, instead of user and password."""
    fields: dict[str, str] = Field(default_factory=dict)
    """More fields of a new change request, such as `assignment_group`."""
    states: dict[str, Standing] = Field(
        default_factory=lambda: {
            "requested": Standing.WAITING,
            "not requested": Standing.WAITING,
            "not_requested": Standing.WAITING,
            "approved": Standing.APPROVED,
            "rejected": Standing.REJECTED,
            "cancelled": Standing.CANCELLED,
        }
    )
    """What the values of the field `approval` mean."""
    cancelled_state: str = "4"
    """The value of `state` by which a change request is cancelled."""


class Jira(_Part):
    """A Jira Service Management: requests, with their approvals."""

    kind: Literal["jira"]
    url: Url
    user: str
    token: Secret
    service_desk: str
    request_type: str
    fields: dict[str, Any] = Field(default_factory=dict)
    """More fields of a new request."""
    states: dict[str, Standing] = Field(default_factory=dict)
    """What statuses mean, where a request has no approvals of its own."""
    cancel_transition: str = ""
    """The id of the transition by which a request is cancelled; without one, only a comment says so."""


class Rule(_Part):
    """Approvals of some definitions of a tenant, and the system that decides them."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    tenant: str
    definitions: Annotated[list[str], Field(min_length=1)] = ["*"]
    system: Annotated[ServiceNow | Jira, Field(discriminator="kind")]
    token_file: Path
    """Of a user of the tenant in whose name decisions are made: the approval steps must name it."""
    poll_seconds: Annotated[float, Field(ge=0.1, le=3_600)] = 30.0
    hook_secret: Secret | None = None
    """What a webhook must show, if it is to have changes looked at at once."""

    def covers(self, tenant: str, definition: str) -> bool:
        """Return whether approvals of a definition's workflows are this rule's."""
        return tenant == self.tenant and any(fnmatchcase(definition, pattern) for pattern in self.definitions)


class Rules(_Part):
    """All rules."""

    rules: Annotated[list[Rule], Field(min_length=1)]


def read_rules(path: Path) -> Sequence[Rule]:
    """Return the rules of a file; raises RulesInvalid."""
    return read_rules_file(path, Rules, _repetitions, context={"reveal": reveal}, place=_without_kind).rules


def _repetitions(rules: Rules) -> Iterator[Problem]:
    names = [rule.name for rule in rules.rules]
    for index, name in enumerate(names):
        if name in names[:index]:
            yield Problem(("rules", index, "name"), "is the name of an earlier rule too")


def _without_kind(where: Where) -> Where:
    """Leave out the kind by which the form of a system was chosen: it is no part of the file's path."""
    return tuple(part for part in where if part not in {"servicenow", "jira"})
