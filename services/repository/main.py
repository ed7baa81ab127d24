"""The repository service's process: the only module that knows all of its parts."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from archwright.client import Client
from archwright.events.dealing import Terms
from archwright.serving import logs
from archwright.serving.server import Server
from archwright.serving.tokens import TokenVerifier
from services.bus.consuming import Consumer
from services.chassis.lifecycle import announce_ready, serve
from services.chassis.metrics import Metrics
from services.chassis.metrics_server import serving as serving_metrics
from services.chassis.rules_file import RulesInvalid
from services.chassis.secrets_named import reveal
from services.chassis.settings import SettingsInvalid, read
from services.chassis.token_file import TokenFile
from services.repository.composing import Form
from services.repository.domain.rules import Rule, Rules
from services.repository.git import GitRepository
from services.repository.keeping import Keeping
from services.repository.port import ModelRepository
from services.repository.remote import Remote
from services.repository.rules_file import read_rules
from services.repository.settings import RepositorySettings

GROUP: Final = "model-repository"
TERMS: Final = Terms(attempts_max=24, pause_seconds_max=600.0, attempt_seconds_max=300.0, at_once=4, held_max=5_000)
"""A repository that is down is tried for some two hours; few at once, as each holds its files in memory."""
USAGE: Final = "usage: python -m services.repository"


def main(arguments: Sequence[str]) -> int:
    """Serve; return the exit code: 1 for a failure, 2 for a wrong environment, wrong rules or a wrong command."""
    if arguments:
        sys.stderr.write(USAGE + "\n")
        return 2
    try:
        settings = read(RepositorySettings)
        logs.configure(service="repository", level=settings.log_level, form=settings.log_form)
        rules = read_rules(settings.repository_rules_file, reveal)
    except (SettingsInvalid, RulesInvalid) as invalid:
        sys.stderr.write(f"repository: {invalid}\n")
        return 2
    return serve(lambda stop: live(settings, rules, stop), settings)


async def live(settings: RepositorySettings, rules: Rules, stop: asyncio.Event) -> None:
    """Keep what workflows made until `stop` is set, then end what is under way."""
    metrics = Metrics()
    verifier = TokenVerifier(settings.jwks_file, settings.token_issuer, settings.token_audience)
    server = Server(settings.address, settings.server_tls, verifier, [])
    consumer = Consumer(settings.redis_url, metrics)
    try:
        port = await server.start()
        async with (
            AsyncExitStack() as stack,
            serving_metrics(metrics.registry, settings.metrics_host, settings.metrics_port) as metrics_address,
            asyncio.TaskGroup() as group,
        ):
            clients = {
                rule.name: await stack.enter_async_context(
                    Client(settings.engine_address, TokenFile(rule.token_file), settings.tls_ca_file)
                )
                for rule in rules.rules
            }
            keeping = Keeping(rules, _repositories(rules, settings.repository_folder), clients, metrics)
            receiving = group.create_task(consumer.consume(GROUP, keeping.handle, stop, terms=TERMS))
            await server.set_ready(True)
            announce_ready("repository", f"{settings.host}:{port}", metrics=metrics_address)
            await stop.wait()
            await server.set_ready(False)
            await asyncio.wait([receiving], timeout=settings.drain_seconds)
            receiving.cancel()
    finally:
        await server.stop(0)


def _repositories(rules: Rules, folder: Path) -> Mapping[str, ModelRepository]:
    return {rule.name: _repository(rule, folder) for rule in rules.rules}


def _repository(rule: Rule, folder: Path) -> ModelRepository:
    password = rule.password.get_secret_value() if rule.password is not None else ""
    remote = Remote(rule.repository, rule.user, password, rule.key_file)
    form = Form(rule.folder, f"{rule.author.name} <{rule.author.email}>".encode())
    own = folder / hashlib.sha256(f"{rule.name}\0{rule.repository}".encode()).hexdigest()[:24]
    return GitRepository(remote, own, form, base=rule.base)
