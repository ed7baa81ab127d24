"""Any system: the event as a CloudEvent in structured mode, signed as https://www.standardwebhooks.com says."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Final

from services.chassis.clock import Clock
from services.notifier.channels.posting import Posting
from services.notifier.domain.channels import Webhook
from services.notifier.message import Message

_PREFIX: Final = "whsec_"


class WebhookChannel:
    """Posts events to one URL."""

    def __init__(self, described: Webhook, posting: Posting, clock: Clock) -> None:
        self._url = described.url.get_secret_value()
        self._key = key_of(described.secret.get_secret_value())
        self._posting = posting
        self._clock = clock

    async def deliver(self, message: Message) -> None:
        """Post the event; repetitions have the same `webhook-id`."""
        timestamp = str(int(self._clock.now().timestamp()))
        headers = {
            "content-type": "application/cloudevents+json; charset=UTF-8",
            "webhook-id": message.event_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": signature(self._key, message.event_id, timestamp, message.envelope),
        }
        await self._posting.post(self._url, message.envelope, headers)


def key_of(secret: str) -> bytes:
    """Return the key of a secret: `whsec_` and base64, or else the text itself."""
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            return secret.encode()
    return secret.encode()


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """Return what `webhook-signature` says."""
    signed = b".".join((message_id.encode(), timestamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
