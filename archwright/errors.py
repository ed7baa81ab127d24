"""What can go wrong, as types that say who must act.

ArchwrightError
├── InvalidArgument     the caller: the request is wrong as it stands
│   ├── RequestInvalid, PayloadInvalid, PayloadTooLarge, InputMismatch, DefinitionInvalid
│   └── CursorOutOfRange
├── NotFound            the caller: it names something that is not there
│   ├── DefinitionNotFound, WorkflowNotFound, TaskNotFound, AgentNotFound, ArtifactNotFound, ScheduleNotFound
│   ├── ChannelNotFound, ApprovalNotFound, DeadLetterNotFound
│   └── MethodUnknown
├── Taken               the caller: the name is in use for something else
│   └── DefinitionVersionTaken, ScheduleNameTaken, RequestIdReused
├── Conflict            the caller: not in the present state
│   ├── DefinitionDeprecated, ChannelInUse
│   └── TransitionIllegal, AgentNotRegistered, StreamProtocol, LeaseLost
├── Unauthenticated     the caller: say who you are
│   └── TokenMissing, TokenInvalid
├── Denied              the operator: may this caller do it?
│   └── RoleDenied
├── Exhausted           the operator, or time: a limit is reached
│   └── LimitReached
├── Unavailable         time: try again
│   └── DependencyUnavailable, DeadlinePassed
├── DataLoss            the operator: something is to be restored
│   └── ArtifactDamaged
└── InternalFault       us

The same types are raised in services and, rebuilt from the wire, in clients. The reasons are those of
`archwright.problem.v1.Reason`; a house test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

DOMAIN = "archwright.dev"
"""The `domain` of every `google.rpc.ErrorInfo` of ours."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One field, or one place in a document, that is wrong."""

    field: str
    description: str
    line: int = 0
    column: int = 0


class ArchwrightError(Exception):
    """Something went wrong, and `reason` says what in a word that machines can rely on.

    Every variable in the message is also in `facts`.
    """

    reason: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        violations: Sequence[Violation] = (),
        retry_after_seconds: float | None = None,
        facts: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.violations = tuple(violations)
        self.retry_after_seconds = retry_after_seconds
        self.facts: Mapping[str, str] = dict(facts or {})


class InvalidArgument(ArchwrightError):
    """The request is wrong as it stands; sending it again will not help."""


class RequestInvalid(InvalidArgument):
    """The request, or a field of it, is not of the documented form."""

    reason = "REQUEST_INVALID"


class PayloadInvalid(InvalidArgument):
    """A JSON payload is malformed, too deep, or holds a number that JSON cannot carry exactly."""

    reason = "PAYLOAD_INVALID"


class PayloadTooLarge(InvalidArgument):
    """A payload is larger than its limit."""

    reason = "PAYLOAD_TOO_LARGE"


class InputMismatch(InvalidArgument):
    """The workflow's input does not fit the definition's `input_schema`."""

    reason = "INPUT_MISMATCH"


class DefinitionInvalid(InvalidArgument):
    """The text is not a definition; `violations` say where and why."""

    reason = "DEFINITION_INVALID"


class CursorOutOfRange(InvalidArgument):
    """The cursor lies beyond the end of the history."""

    reason = "CURSOR_OUT_OF_RANGE"


class NotFound(ArchwrightError):
    """What the request names is not there."""


class DefinitionNotFound(NotFound):
    """No definition of this tenant has this name and version."""

    reason = "DEFINITION_NOT_FOUND"

    @classmethod
    def named(cls, name: str, version: str = "", *, known: Sequence[str] = ()) -> DefinitionNotFound:
        """Name the definition that is missing, and those that are there."""
        which = f"{name!r}, version {version!r}" if version else repr(name)
        there = f" There are: {', '.join(sorted(known))}." if known else ""
        return cls(
            f"There is no definition {which}.{there} `archwright definitions list` shows them all.",
            facts={"definition_name": name, "definition_version": version},
        )


class WorkflowNotFound(NotFound):
    """No workflow of this tenant has this id."""

    reason = "WORKFLOW_NOT_FOUND"

    @classmethod
    def named(cls, workflow_id: str) -> WorkflowNotFound:
        """Name the workflow that is missing."""
        return cls(
            f"There is no workflow {workflow_id!r}. `archwright workflows list` shows yours.",
            facts={"workflow_id": workflow_id},
        )


class TaskNotFound(NotFound):
    """No task of this workflow has this id."""

    reason = "TASK_NOT_FOUND"

    @classmethod
    def named(cls, task_id: str) -> TaskNotFound:
        """Name the task that is missing."""
        return cls(
            f"There is no task {task_id!r} in this workflow. `archwright workflows tasks` shows its tasks.",
            facts={"task_id": task_id},
        )


class AgentNotFound(NotFound):
    """No agent of this tenant has this id."""

    reason = "AGENT_NOT_FOUND"

    @classmethod
    def named(cls, agent_id: str) -> AgentNotFound:
        """Name the agent that is missing."""
        return cls(
            f"There is no agent {agent_id!r}. `archwright agents list` shows those that are registered.",
            facts={"agent_id": agent_id},
        )


class ArtifactNotFound(NotFound):
    """The workflow has no artifact of this name."""

    reason = "ARTIFACT_NOT_FOUND"

    @classmethod
    def named(cls, workflow_id: str, name: str, version: int = 0) -> ArtifactNotFound:
        """Name the artifact that is missing, and its version if one was asked for."""
        which = f" in version {version}" if version else ""
        return cls(
            f"Workflow {workflow_id!r} has no artifact {name!r}{which}. `archwright artifacts list {workflow_id}` "
            "lists what it has.",
            facts={"workflow_id": workflow_id, "name": name},
        )


class ScheduleNotFound(NotFound):
    """No schedule of this tenant has this name."""

    reason = "SCHEDULE_NOT_FOUND"

    @classmethod
    def named(cls, name: str) -> ScheduleNotFound:
        """Name the schedule that is missing."""
        return cls(
            f"There is no schedule {name!r}. `archwright schedules list` shows yours.", facts={"schedule_name": name}
        )


class ChannelNotFound(NotFound):
    """The definition has no channel of this name."""

    reason = "CHANNEL_NOT_FOUND"

    @classmethod
    def named(cls, name: str, channel: str) -> ChannelNotFound:
        """Name the channel that is missing."""
        return cls(
            f"Definition {name!r} has no channel {channel!r}. `archwright definitions channel list {name}` shows what "
            "it has.",
            facts={"definition_name": name, "channel": channel},
        )


class ApprovalNotFound(NotFound):
    """No approval of this tenant has this id."""

    reason = "APPROVAL_NOT_FOUND"

    @classmethod
    def named(cls, approval_id: str) -> ApprovalNotFound:
        """Name the approval that is missing."""
        return cls(
            f"There is no approval {approval_id!r}. `archwright approvals list` shows those that wait.",
            facts={"approval_id": approval_id},
        )


class DeadLetterNotFound(NotFound):
    """No dead letter of this tenant has this id."""

    reason = "DEAD_LETTER_NOT_FOUND"

    @classmethod
    def named(cls, letter_id: str) -> DeadLetterNotFound:
        """Name the dead letter that is missing."""
        return cls(
            f"There is no dead letter {letter_id!r}. `archwright dead-letters list` shows those that wait.",
            facts={"letter_id": letter_id},
        )


class MethodUnknown(NotFound):
    """No such method."""

    reason = "METHOD_UNKNOWN"


class Taken(ArchwrightError):
    """The name is in use for something else."""


class DefinitionVersionTaken(Taken):
    """The version is published with other content, and a published version never changes."""

    reason = "DEFINITION_VERSION_TAKEN"


class ScheduleNameTaken(Taken):
    """The tenant has another schedule of this name."""

    reason = "SCHEDULE_NAME_TAKEN"

    @classmethod
    def named(cls, name: str) -> ScheduleNameTaken:
        """Name the schedule that is in the way."""
        return cls(
            f"There is a schedule {name!r} already. Choose another name, or delete it first: "
            f"`archwright schedules delete {name}`.",
            facts={"schedule_name": name},
        )


class RequestIdReused(Taken):
    """The same `request_id` came with another body."""

    reason = "REQUEST_ID_REUSED"


class Conflict(ArchwrightError):
    """Not in the present state of the thing."""


class TransitionIllegal(Conflict):
    """The workflow's status does not allow the wished one."""

    reason = "TRANSITION_ILLEGAL"


class DefinitionDeprecated(Conflict):
    """New workflows should not follow this version."""

    reason = "DEFINITION_DEPRECATED"

    @classmethod
    def named(cls, name: str, version: str, note: str) -> DefinitionDeprecated:
        """Name the version, with what was noted about it."""
        why = f": {note}" if note else ""
        return cls(
            f"Version {version} of {name!r} is deprecated{why.rstrip('.')}. "
            f"`archwright definitions versions {name}` shows the others.",
            facts={"definition_name": name, "definition_version": version, "note": note},
        )


class ChannelInUse(Conflict):
    """A channel points at the version."""

    reason = "CHANNEL_IN_USE"

    @classmethod
    def named(cls, name: str, version: str, channel: str) -> ChannelInUse:
        """Name the channel that points at the version."""
        return cls(
            f"Channel {channel!r} points at version {version} of {name!r}. Move it first: "
            f"`archwright definitions channel set {name} {channel} VERSION`.",
            facts={"definition_name": name, "definition_version": version, "channel": channel},
        )


class AgentNotRegistered(Conflict):
    """The agent is not registered, or its registration ended."""

    reason = "AGENT_NOT_REGISTERED"


class StreamProtocol(Conflict):
    """The peer broke the rules of the agents' stream."""

    reason = "STREAM_PROTOCOL"


class LeaseLost(Conflict):
    """The agent's right to the task has ended, or it never had it."""

    reason = "LEASE_LOST"


class Unauthenticated(ArchwrightError):
    """The caller has not shown who it is."""


class TokenMissing(Unauthenticated):
    """No token came with the call."""

    reason = "TOKEN_MISSING"


class TokenInvalid(Unauthenticated):
    """The token is malformed, expired, not for us, or not signed by a key we trust."""

    reason = "TOKEN_INVALID"


class Denied(ArchwrightError):
    """The caller may not do this."""


class RoleDenied(Denied):
    """The token is good, but its roles do not allow this call."""

    reason = "ROLE_DENIED"


class Exhausted(ArchwrightError):
    """A limit is reached."""


class LimitReached(Exhausted):
    """A limit of the tenant or the service is reached; `retry_after_seconds` says when to try again."""

    reason = "LIMIT_REACHED"


class Unavailable(ArchwrightError):
    """Something does not answer just now; time may mend it."""


class DependencyUnavailable(Unavailable):
    """Something we depend on does not answer."""

    reason = "DEPENDENCY_UNAVAILABLE"


class DeadlinePassed(Unavailable):
    """The call took longer than the caller or the service allows."""

    reason = "DEADLINE_PASSED"


class DataLoss(ArchwrightError):
    """What was kept is gone or changed; only the operator may bring it back."""


class ArtifactDamaged(DataLoss):
    """The content of an artifact is gone from its place, or is not what was put there."""

    reason = "ARTIFACT_DAMAGED"

    @classmethod
    def lost(cls, sha256: str) -> ArtifactDamaged:
        """Name the content that is gone."""
        return cls._of(sha256, "is gone from the artifact store")

    @classmethod
    def changed(cls, sha256: str) -> ArtifactDamaged:
        """Name the content that is no longer what it was."""
        return cls._of(sha256, "was changed in the artifact store: its hash is another now")

    @classmethod
    def _of(cls, sha256: str, what: str) -> ArtifactDamaged:
        return cls(
            f"The content with SHA-256 {sha256} {what}. Operator: restore it from a backup, or run the step that made "
            "it once more.",
            facts={"sha256": sha256},
        )


class InternalFault(ArchwrightError):
    """A fault of ours; the message holds the id under which it was logged."""

    reason = "INTERNAL_FAULT"


def _leaves(kind: type[ArchwrightError]) -> dict[str, type[ArchwrightError]]:
    found = {kind.reason: kind} if kind.reason else {}
    for child in kind.__subclasses__():
        found |= _leaves(child)
    return found


BY_REASON: Mapping[str, type[ArchwrightError]] = _leaves(ArchwrightError)
"""Every error that may cross the wire, by its reason."""
