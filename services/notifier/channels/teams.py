"""Microsoft Teams, by a Power Automate workflow "when a Teams webhook request is received"."""

from __future__ import annotations

from typing import Any, Final

import orjson

from services.notifier.channels.posting import Posting
from services.notifier.domain.channels import Teams
from services.notifier.message import Message

TEXT_LENGTH_MAX: Final = 10_000
"""Teams takes messages of up to 28 KB."""


class TeamsChannel:
    """Posts to one workflow."""

    def __init__(self, described: Teams, posting: Posting) -> None:
        self._url = described.url.get_secret_value()
        self._posting = posting

    async def deliver(self, message: Message) -> None:
        """Post an Adaptive Card."""
        body = orjson.dumps({"type": "message", "attachments": [_attachment(message)]})
        await self._posting.post(self._url, body, {"content-type": "application/json"})


def _attachment(message: Message) -> dict[str, Any]:
    lines = [line for line in message.body[:TEXT_LENGTH_MAX].splitlines() if line]
    card: dict[str, Any] = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            _paragraph(message.subject, size="Large", weight="Bolder"),
            *(_paragraph(line) for line in lines),
        ],
        "actions": [{"type": "Action.OpenUrl", "title": "Open the workflow", "url": message.link}]
        if message.link
        else [],
    }
    return {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}


def _paragraph(text: str, **looks: str) -> dict[str, Any]:
    # A TextBlock would read Markdown, and with it links, into what people named themselves; a TextRun reads nothing.
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": text, **looks}]}
