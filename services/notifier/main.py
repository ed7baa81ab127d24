"""The notifier's process: the only module that knows all of its parts."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import httpx

from archwright.events.dealing import Terms
from archwright.serving import logs
from archwright.serving.server import Server
from archwright.serving.tokens import TokenVerifier
from services.bus.consuming import Consumer
from services.bus.redis import writer
from services.chassis.clock import Clock, SystemClock
from services.chassis.egress import Allowance, Guard, resolve
from services.chassis.egress_http import client_of, leave_proxies, trust_of
from services.chassis.lifecycle import announce_ready, serve
from services.chassis.metrics import Metrics
from services.chassis.metrics_server import serving as serving_metrics
from services.chassis.secrets_named import reveal
from services.chassis.settings import SettingsInvalid, read
from services.notifier.channels.making import channel_of
from services.notifier.channels.port import Channel, DeliveryRefused
from services.notifier.composing import Composer
from services.notifier.delivered import RedisDelivered
from services.notifier.domain.rules import Rules
from services.notifier.notify import Notify
from services.notifier.rules_file import RulesInvalid, read_rules
from services.notifier.settings import NotifierSettings

GROUP: Final = "notifier"
ALLOW_SETTING: Final = "ARCHWRIGHT_NOTIFIER_ALLOW"
TERMS: Final = Terms(attempts_max=24, pause_seconds_max=600.0, held_max=5_000)
"""A place that is down is tried for some two hours; meanwhile other events must get past what waits."""
USAGE: Final = "usage: python -m services.notifier"


def main(arguments: Sequence[str]) -> int:
    """Serve; return the exit code: 1 for a failure, 2 for a wrong environment, wrong rules or a wrong command."""
    if arguments:
        sys.stderr.write(USAGE + "\n")
        return 2
    try:
        settings = read(NotifierSettings)
        logs.configure(service="notifier", level=settings.log_level, form=settings.log_form)
        rules = read_rules(settings.notifier_rules_file, reveal)
        leave_proxies()
        trust = trust_of(settings.tls_ca_file, settings.egress_ca_file)
        guard = Guard(Allowance.read(settings.notifier_allow), ALLOW_SETTING, resolve)
        client, clock = client_of(guard, trust), SystemClock()
        channels = _channels(rules, client, guard, trust, clock)
    except (SettingsInvalid, RulesInvalid) as invalid:
        sys.stderr.write(f"notifier: {invalid}\n")
        return 2
    return serve(lambda stop: live(settings, rules, channels, client, clock, stop), settings)


async def live(
    settings: NotifierSettings,
    rules: Rules,
    channels: Mapping[str, Channel],
    client: httpx.AsyncClient,
    clock: Clock,
    stop: asyncio.Event,
) -> None:
    """Tell of events until `stop` is set, then end what is under way."""
    metrics, redis = Metrics(), writer(settings.redis_url)
    composer = Composer(rules, settings.public_url)
    notify = Notify(rules, channels, composer, RedisDelivered(redis), clock, metrics)
    verifier = TokenVerifier(settings.jwks_file, settings.token_issuer, settings.token_audience)
    server = Server(settings.address, settings.server_tls, verifier, [])
    consumer = Consumer(settings.redis_url, metrics)
    try:
        port = await server.start()
        async with (
            serving_metrics(metrics.registry, settings.metrics_host, settings.metrics_port) as metrics_address,
            asyncio.TaskGroup() as group,
        ):
            receiving = group.create_task(consumer.consume(GROUP, notify.handle, stop, terms=TERMS))
            await server.set_ready(True)
            announce_ready("notifier", f"{settings.host}:{port}", metrics=metrics_address)
            await stop.wait()
            await server.set_ready(False)
            await asyncio.wait([receiving], timeout=settings.drain_seconds)
            receiving.cancel()
    finally:
        await server.stop(0)
        await client.aclose()
        await redis.aclose()


def _channels(
    rules: Rules, client: httpx.AsyncClient, guard: Guard, trust: ssl.SSLContext, clock: Clock
) -> Mapping[str, Channel]:
    channels: dict[str, Channel] = {}
    for name, described in rules.channels.items():
        try:
            channels[name] = channel_of(described, client, guard, trust, clock)
        except DeliveryRefused as refused:
            raise RulesInvalid(f"The channel {name!r} {refused.message}.") from None
    return channels
