"""Slack, and whatever understands its incoming webhooks."""

from __future__ import annotations

from typing import Final

import orjson

from services.notifier.channels.posting import Posting
from services.notifier.domain.channels import Slack
from services.notifier.message import Message

TEXT_LENGTH_MAX: Final = 3_500
"""Slack cuts what is longer than four thousand characters."""


class SlackChannel:
    """Posts to one webhook."""

    def __init__(self, described: Slack, posting: Posting) -> None:
        self._url = described.url.get_secret_value()
        self._posting = posting

    async def deliver(self, message: Message) -> None:
        """Post the subject, in bold, and the body."""
        text = f"*{_escaped(message.subject)}*\n{_escaped(message.body)}"
        body = orjson.dumps({"text": text[:TEXT_LENGTH_MAX], "unfurl_links": False})
        await self._posting.post(self._url, body, {"content-type": "application/json"})


def _escaped(text: str) -> str:
    """Return a text that mentions nobody and holds no link but what looks like one."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
