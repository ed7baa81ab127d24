"""How a function says that its task failed, by what should happen next.

Raise one of these; the step's retry policy goes by its category. Anything else that a function lets out is a
fault of the function: its task fails for good, with the code `AGENT_FAULT`. Python's own TimeoutError counts as
TimedOut.

TaskFailed
├── Transient   may go well another time: a network fault, a service that is down. Retried
├── TimedOut    something that the function waited for took too long. Retried
├── Capacity    too much just now. Retried after `retry_after`, charged to nobody
├── Permanent   will never go well: bad input or configuration. Not retried
└── Business    the domain said no: an answer, not a fault. Not retried
"""

from __future__ import annotations

from typing import ClassVar

from archwright.language.model import ErrorCategory
from archwright.payloads import Json


class TaskFailed(Exception):
    """A task failed; `code` is a word for machines, `details` is JSON that goes into the history."""

    category: ClassVar[ErrorCategory] = ErrorCategory.PERMANENT
    default_code: ClassVar[str] = "PERMANENT"

    def __init__(self, message: str, *, code: str = "", retry_after: float | None = None, details: Json = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.default_code
        self.retry_after = retry_after
        self.details = details


class Transient(TaskFailed):
    """May go well another time; retried by the step's policy, not before `retry_after` seconds."""

    category = ErrorCategory.TRANSIENT
    default_code = "TRANSIENT"


class TimedOut(TaskFailed):
    """Something that the function waited for took too long; retried by the step's policy."""

    category = ErrorCategory.TIMEOUT
    default_code = "TIMED_OUT"


class Permanent(TaskFailed):
    """Will never go well; not retried."""


class Business(TaskFailed):
    """The domain said no, which is an answer; not retried."""

    category = ErrorCategory.BUSINESS
    default_code = "BUSINESS"


class Capacity(TaskFailed):
    """Too much just now: retried after `retry_after` seconds, without being charged an attempt."""

    category = ErrorCategory.CAPACITY
    default_code = "CAPACITY"

    def __init__(self, retry_after: float, message: str = "", *, code: str = "", details: Json = None) -> None:
        super().__init__(message or "No capacity just now.", code=code, retry_after=retry_after, details=details)
