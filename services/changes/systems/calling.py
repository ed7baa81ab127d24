"""Asks a system over HTTP, and says what became of it: no redirect is followed, and no answer is read without end.

A system that wants to be left alone is: until its pause is over nothing is asked, whoever wants to know.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import httpx
import orjson

from services.changes.port import ChangeGone, SystemUnavailable
from services.chassis.clock import Clock
from services.chassis.egress import Forbidden
from services.chassis.egress_http import told
from services.chassis.retry_after import pause_of

SECONDS_MAX: Final = 20.0
ANSWER_BYTES_MAX: Final = 1 << 20


class Calling:
    """Calls one system in one name."""

    def __init__(self, name: str, client: httpx.AsyncClient, clock: Clock, *, seconds_max: float = SECONDS_MAX) -> None:
        self._name = name
        self._client = client
        self._clock = clock
        self._rests_until = 0.0
        self._seconds_max = seconds_max

    async def ask(self, verb: str, path: str, *, body: Any = None, absent: bool = False, **query: str) -> Any:
        """Return the JSON of an answer; None where there is none, or, with `absent`, no such thing.

        Raises SystemUnavailable, naming the system and what is wrong.
        """
        self._require_rested()
        content = None if body is None else orjson.dumps(body)
        headers = {"accept": "application/json", "content-type": "application/json", "user-agent": "archwright"}
        try:
            async with (
                asyncio.timeout(self._seconds_max),
                self._client.stream(verb, path, content=content, params=query, headers=headers) as answer,
            ):
                if absent and answer.status_code == 404:
                    return None
                self._judge(answer)
                text = await self._read(answer)
        except (TimeoutError, httpx.TimeoutException):
            raise self._away(f"it did not answer within {self._seconds_max:g} s") from None
        except Forbidden as forbidden:
            raise self._away(str(forbidden).rstrip(".")) from None
        except (OSError, httpx.HTTPError) as error:
            raise self._away(f"it was not reached: {told(error)}") from None
        if not text:
            return None
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            raise self._away("its answer is no JSON") from None

    def _require_rested(self) -> None:
        seconds = self._rests_until - self._clock.monotonic()
        if seconds > 0:
            raise self._away("it asked for a pause, which is not over", seconds)

    def _judge(self, answer: httpx.Response) -> None:
        status = answer.status_code
        match status:
            case _ if 200 <= status < 300:
                return
            case 401 | 403:
                raise self._away(f"it answered {status}. Check the user, and what it may do")
            case 404:
                raise self._away("it answered 404. Check the URL")
            case 429 | 503:
                pause = pause_of(status, answer.headers.get("retry-after", ""), self._clock.now())
                if pause is not None:
                    self._rests_until = self._clock.monotonic() + pause
                raise self._away(f"it is asked too much, or not ready ({status})", pause)
            case _ if 300 <= status < 400:
                raise self._away(f"it answered {status}; redirects are not followed. Name the place it leads to")
            case _:
                raise self._away(f"it answered {status}")

    async def _read(self, answer: httpx.Response) -> bytes:
        text = b""
        async for piece in answer.aiter_bytes():
            text += piece
            if len(text) > ANSWER_BYTES_MAX:
                raise self._away(f"its answer has more than {ANSWER_BYTES_MAX} bytes")
        return text

    def _away(self, why: str, retry_after_seconds: float | None = None) -> SystemUnavailable:
        return SystemUnavailable(
            f"{self._name}: {why}.", facts={"system": self._name}, retry_after_seconds=retry_after_seconds
        )

    def gone(self, number: str) -> ChangeGone:
        """Return the error of a change that is not there."""
        return ChangeGone(
            f"{self._name}: {number} is not there any more, or its user may not see it. Nothing is decided by that.",
            facts={"system": self._name, "change": number},
        )

    def malformed(self, what: str) -> SystemUnavailable:
        """Return the error of an answer that lacks something."""
        return self._away(f"its answer has no {what}")
