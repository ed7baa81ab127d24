"""Posts to a webhook, and says what the answer means. Of an answer, only status and `Retry-After` are read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

import httpx

from services.bus.port import TryLater
from services.chassis.clock import Clock
from services.chassis.egress import Forbidden
from services.chassis.egress_http import told
from services.chassis.retry_after import pause_of
from services.notifier.channels.port import DeliveryFailed, DeliveryRefused

SECONDS_MAX: Final = 20.0


class Posting:
    """Posts for one channel."""

    def __init__(self, client: httpx.AsyncClient, clock: Clock, *, seconds_max: float = SECONDS_MAX) -> None:
        self._client = client
        self._clock = clock
        self._seconds_max = seconds_max

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Return when the other side has taken the body; raises as a channel does."""
        try:
            async with (
                asyncio.timeout(self._seconds_max),
                self._client.stream(
                    "POST", url, content=body, headers={"user-agent": "archwright-notifier", **headers}
                ) as answer,
            ):
                status, retry_after = answer.status_code, answer.headers.get("retry-after", "")
        except Forbidden as forbidden:
            raise DeliveryRefused(f"{forbidden}") from None
        except (TimeoutError, httpx.TimeoutException):
            raise DeliveryFailed(f"It did not answer within {self._seconds_max:g} s.") from None
        except (OSError, httpx.HTTPError) as error:
            # Never the error's own chain: a request holds the URL, which holds the key.
            raise DeliveryFailed(f"It was not reached: {told(error)}.") from None
        self._judge(status, retry_after)

    def _judge(self, status: int, retry_after: str) -> None:
        match status:
            case _ if 200 <= status < 300:
                return
            case 429 | 503 if (seconds := pause_of(status, retry_after, self._clock.now())) is not None:
                why = "It is sent too much (429)." if status == 429 else "It is not ready (503)."
                raise TryLater(why, after_seconds=seconds)
            case _ if 300 <= status < 400:
                raise DeliveryRefused(f"It answered {status}; redirects are not followed. Name the place it leads to.")
            case 408 | 425:
                raise DeliveryFailed(f"It answered {status}.")
            case _ if 400 <= status < 500:
                raise DeliveryRefused(
                    f"It refused the message with {status}. Check its URL, and what it is set up for."
                )
            case _:
                raise DeliveryFailed(f"It answered {status}.")
