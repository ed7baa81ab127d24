"""Makes the channels that the rules describe."""

from __future__ import annotations

import ssl
from typing import assert_never

import httpx

from services.chassis.clock import Clock
from services.chassis.egress import Guard
from services.notifier.channels.apprise import AppriseChannel
from services.notifier.channels.email import EmailChannel
from services.notifier.channels.port import Channel
from services.notifier.channels.posting import Posting
from services.notifier.channels.slack import SlackChannel
from services.notifier.channels.teams import TeamsChannel
from services.notifier.channels.webhook import WebhookChannel
from services.notifier.domain.channels import Apprise, Described, Email, Slack, Teams, Webhook


def channel_of(
    described: Described, client: httpx.AsyncClient, guard: Guard, trust: ssl.SSLContext, clock: Clock
) -> Channel:
    """Return a channel; raises DeliveryRefused when its URL is none that it can be."""
    match described:
        case Email():
            return EmailChannel(described, guard, trust, clock)
        case Slack():
            return SlackChannel(described, Posting(client, clock))
        case Teams():
            return TeamsChannel(described, Posting(client, clock))
        case Webhook():
            return WebhookChannel(described, Posting(client, clock), clock)
        case Apprise():
            return AppriseChannel(described)
    assert_never(described)
