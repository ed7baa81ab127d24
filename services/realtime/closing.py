"""Why a WebSocket is closed: the codes, once for the service and for whoever writes a client.

Codes from 4000 on are ours; where HTTP has a status for the same thing, it is the last three digits.
"""

from __future__ import annotations

from enum import IntEnum

from archwright import errors


class CloseCode(IntEnum):
    """What a client learns from a close code, and what it should do."""

    ENDED = 1000
    """The workflow has ended, and everything was sent. Do not come back."""
    RESTARTING = 1012
    """This replica stops. Come back at once with `after_seq`."""
    REQUEST_INVALID = 4400
    """The request makes no sense, and never will. The message before says why."""
    TOKEN_INVALID = 4401
    """The token is missing or wrong, or has expired meanwhile. Come back with another."""
    DENIED = 4403
    """The token allows no watching."""
    NOT_FOUND = 4404
    """There is no such workflow for this tenant."""
    TOO_SLOW = 4408
    """The client reads more slowly than things happen. Come back with `after_seq`: history has what was missed."""
    CURSOR_OUT_OF_RANGE = 4416
    """`after_seq` is beyond the end of the history."""
    TOO_MANY = 4429
    """Too many watch already. Come back later."""
    UNAVAILABLE = 4503
    """The engine does not answer. Come back a little later with `after_seq`."""


def code_of(error: errors.ArchwrightError) -> CloseCode:
    """Return the code that says what an error says."""
    match error:
        case errors.CursorOutOfRange():
            return CloseCode.CURSOR_OUT_OF_RANGE
        case errors.InvalidArgument():
            return CloseCode.REQUEST_INVALID
        case errors.NotFound():
            return CloseCode.NOT_FOUND
        case errors.Unauthenticated():
            return CloseCode.TOKEN_INVALID
        case errors.Denied():
            return CloseCode.DENIED
        case errors.Exhausted():
            return CloseCode.TOO_MANY
        case _:
            return CloseCode.UNAVAILABLE
