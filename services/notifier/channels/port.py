"""What a channel promises, and how it says that a message was not delivered."""

from __future__ import annotations

from typing import Protocol

from archwright.errors import DependencyUnavailable, InvalidArgument
from services.notifier.message import Message


class DeliveryFailed(DependencyUnavailable):
    """The message was not taken just now; time may mend it."""


class DeliveryRefused(InvalidArgument):
    """The message will not be taken until somebody changes something."""


class Channel(Protocol):
    """A way to whoever is to be told."""

    async def deliver(self, message: Message) -> None:
        """Deliver a message. It has been taken by the other side when this returns.

        Raises DeliveryFailed, DeliveryRefused, or TryLater when the other side named a time. None of them tells a
        secret. It always ends within half a minute.
        """
        ...
