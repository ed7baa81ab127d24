"""What the exit codes say, for scripts."""

from __future__ import annotations

from enum import IntEnum

from archwright.errors import (
    ArchwrightError,
    DataLoss,
    Denied,
    Exhausted,
    InternalFault,
    NotFound,
    Unauthenticated,
    Unavailable,
)


class ExitCode(IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    """The workflow failed or was cancelled; or a fault of ours."""
    USAGE = 2
    """The command, its input or the moment was wrong; nothing was done."""
    NOT_FOUND = 3
    NOT_AUTHORISED = 4
    NOT_REACHABLE = 5
    """The mesh, or a part of it, is not reachable or did not start."""
    INTERRUPTED = 130


def exit_code(error: ArchwrightError) -> ExitCode:
    """Return the exit code that tells of the error."""
    match error:
        case NotFound():
            return ExitCode.NOT_FOUND
        case Unauthenticated() | Denied():
            return ExitCode.NOT_AUTHORISED
        case Unavailable() | Exhausted():
            return ExitCode.NOT_REACHABLE
        case InternalFault() | DataLoss():
            return ExitCode.FAILED
        case _:
            return ExitCode.USAGE
