"""Services that apprise knows how to write to.

Apprise makes its own connections. So only services are let in whose place on the internet is fixed, whatever their
URL says; see APPRISE_SCHEMES.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from apprise import Apprise as Library
from apprise import AppriseAsset, NotifyBase, NotifyFormat

from services.notifier.channels.port import DeliveryFailed, DeliveryRefused
from services.notifier.domain.channels import Apprise
from services.notifier.message import Message

SECONDS_MAX: Final = 25.0


class AppriseChannel:
    """Writes to one service."""

    def __init__(self, described: Apprise) -> None:
        """Read the URL; raises DeliveryRefused when apprise does not understand it."""
        # It writes URLs, and with them keys, into its logs.
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        asset = AppriseAsset(app_id="Archwright", async_mode=False, http_redirects=False)
        service = Library.instantiate(described.url.get_secret_value(), asset=asset)
        if not isinstance(service, NotifyBase):
            raise DeliveryRefused("has a URL that apprise does not understand; https://appriseit.com shows its form")
        service.redirects = False
        service.verify_certificate = True
        self._service = service

    async def deliver(self, message: Message) -> None:
        """Write subject and body."""
        try:
            async with asyncio.timeout(SECONDS_MAX):
                is_taken = await asyncio.to_thread(
                    self._service.notify, body=message.body, title=message.subject, body_format=NotifyFormat.TEXT
                )
        except TimeoutError:
            raise DeliveryFailed(f"It did not answer within {SECONDS_MAX:g} s.") from None
        if not is_taken:
            raise DeliveryFailed("It did not take the message, and apprise does not tell why.")
