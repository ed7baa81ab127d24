"""The process that keeps approvals and change management in step: the only module that knows all of its parts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import structlog

from archwright import Client
from archwright.events.dealing import Terms
from archwright.serving import logs
from archwright.serving.server import Server
from archwright.serving.tokens import TokenVerifier
from services.bus.consuming import Consumer
from services.changes.follow import Follow
from services.changes.hooks import hooks, listening, server_of
from services.changes.loops.look_at_changes import LookAtChanges
from services.changes.measures import Measures
from services.changes.port import ChangeManagement
from services.changes.receiving import ReceiveEvents
from services.changes.rules import Rule, ServiceNow, read_rules
from services.changes.settings import ChangesSettings
from services.changes.systems.jira import JiraChanges
from services.changes.systems.servicenow import ServiceNowChanges
from services.chassis.clock import Clock, SystemClock
from services.chassis.egress import Allowance, Guard, resolve
from services.chassis.egress_http import GuardedTransport, trust_of
from services.chassis.lifecycle import announce_ready, serve
from services.chassis.loops import forever
from services.chassis.metrics import Metrics
from services.chassis.metrics_server import serving as serving_metrics
from services.chassis.rules_file import RulesInvalid
from services.chassis.settings import SettingsInvalid, read
from services.chassis.token_file import TokenFile

log = structlog.get_logger(__name__)

GROUP: Final = "changes"
ALLOW_SETTING: Final = "ARCHWRIGHT_CHANGES_ALLOW"
TERMS: Final = Terms(attempts_max=24, pause_seconds_max=600.0, held_max=5_000)
"""A system that is down is tried for some two hours; meanwhile other events must get past what waits."""
USAGE: Final = "usage: python -m services.changes"


def main(arguments: Sequence[str]) -> int:
    """Serve; return the exit code: 1 for a failure, 2 for a wrong environment, wrong rules or a wrong command."""
    if arguments:
        sys.stderr.write(USAGE + "\n")
        return 2
    try:
        settings = read(ChangesSettings)
        rules = read_rules(settings.changes_rules_file)
    except (SettingsInvalid, RulesInvalid) as invalid:
        sys.stderr.write(f"changes: {invalid}\n")
        return 2
    logs.configure(service="changes", level=settings.log_level, form=settings.log_form)
    return serve(lambda stop: live(settings, rules, stop), settings)


async def live(settings: ChangesSettings, rules: Sequence[Rule], stop: asyncio.Event) -> None:
    """Keep both sides in step until `stop` is set."""
    clock, metrics = SystemClock(), Metrics()
    measures, consumer = Measures(metrics), Consumer(settings.redis_url, metrics)
    verifier = TokenVerifier(settings.jwks_file, settings.token_issuer, settings.token_audience)
    server = Server(settings.address, settings.server_tls, verifier, [])
    with listening(settings.hooks_host, settings.hooks_port) as socket:
        async with (
            _follows(settings, rules, measures, clock) as follows,
            serving_metrics(metrics.registry, settings.metrics_host, settings.metrics_port) as metrics_address,
            asyncio.TaskGroup() as group,
        ):
            looking = {follow.rule.name: (follow.rule, LookAtChanges(follow, clock)) for follow in follows}
            hooking = server_of(hooks(looking))
            duties = [
                group.create_task(
                    forever(f"look_at_changes_of_{name}", each.step, pause=0, clock=clock, seconds_max=None)
                )
                for name, (_, each) in looking.items()
            ]
            receiving = group.create_task(consumer.consume(GROUP, ReceiveEvents(follows).handle, stop, terms=TERMS))
            group.create_task(hooking.serve([socket]))
            try:
                port = await server.start()
                await server.set_ready(True)
                announce_ready("changes", f"{settings.host}:{port}", metrics=metrics_address)
                log.info("hooks_taken", port=socket.getsockname()[1])
                await stop.wait()
                await asyncio.wait([receiving], timeout=settings.drain_seconds)
            finally:
                hooking.should_exit = True
                for task in (*duties, receiving):
                    task.cancel()
                await server.stop(0)


@asynccontextmanager
async def _follows(
    settings: ChangesSettings, rules: Sequence[Rule], measures: Measures, clock: Clock
) -> AsyncIterator[Sequence[Follow]]:
    async with AsyncExitStack() as stack:
        follows = []
        guard = Guard(Allowance.read(settings.changes_allow), ALLOW_SETTING, resolve)
        trust = trust_of(settings.tls_ca_file, settings.egress_ca_file)
        for rule in rules:
            system = _system_of(rule, GuardedTransport(guard, trust), clock)
            stack.push_async_callback(system.aclose)
            token = TokenFile(rule.token_file)
            client = Client(settings.engine_address, token, settings.tls_ca_file)
            await stack.enter_async_context(client)
            follows.append(Follow(rule, system, client, measures, settings.public_url, token.user_id))
        yield follows


def _system_of(rule: Rule, transport: GuardedTransport, clock: Clock) -> ChangeManagement:
    if isinstance(rule.system, ServiceNow):
        return ServiceNowChanges(rule.system, transport, clock)
    return JiraChanges(rule.system, transport, clock)
