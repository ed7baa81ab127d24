"""Tells of an event whoever is to be told: by every rule that concerns it, through each of the rule's channels, once.

Each delivery stands for itself. What was delivered is noted, so when one channel fails and the event comes again, only
that one is tried again. A channel that asked for a pause is left alone until it is over, by all events.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

import structlog

from archwright.events.v1.workflow_event_pb2 import WorkflowEvent
from archwright.pacing import jittered
from services.bus.port import TryLater
from services.chassis.clock import Clock
from services.chassis.metrics import Metrics
from services.chassis.metrics_catalogue import NOTIFICATIONS
from services.notifier.channels.port import Channel, DeliveryFailed, DeliveryRefused
from services.notifier.composing import Composer
from services.notifier.delivered import Delivered, Delivery
from services.notifier.domain.rules import Rule, Rules
from services.notifier.templates import TemplateInvalid

log = structlog.get_logger(__name__)

SPREAD: Final = 0.25
"""Those that wait for one channel come back over this much more of its pause, not all at once."""


class Outcome(StrEnum):
    """What came of one message to one channel."""

    DELIVERED = "delivered"
    REPEATED = "repeated"
    PUT_OFF = "put_off"
    FAILED = "failed"
    REFUSED = "refused"


class Notify:
    """Deals with the events of the bus."""

    def __init__(
        self,
        rules: Rules,
        channels: Mapping[str, Channel],
        composer: Composer,
        delivered: Delivered,
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._rules = rules
        self._channels = channels
        self._composer = composer
        self._delivered = delivered
        self._clock = clock
        self._rests_until: dict[str, float] = {}
        self._counter = metrics.counter(NOTIFICATIONS)
        for described in rules.channels.values():
            for outcome in Outcome:
                self._counter.begin(described.kind, outcome)

    async def handle(self, event: WorkflowEvent) -> None:
        """Return when everybody has been told; raises for those who were not, after the others have been.

        Raises TryLater when time is all that is needed, else what the first of the others said.
        """
        if event.event_type == "task_failed" and "retry_at" in event.payload:
            return  # it is tried again, so nobody need know
        concerned = self._rules.concerned(
            tenant=event.tenant, event_type=event.event_type, definition_name=event.definition_name
        )
        told = await asyncio.gather(
            *(self._tell(rule, name, event) for rule in concerned for name in rule.to), return_exceptions=True
        )
        _raise_of([failure for failure in told if failure is not None])

    async def _tell(self, rule: Rule, name: str, event: WorkflowEvent) -> None:
        delivery = Delivery(event.event_id, rule.name, name)
        where = f"Rule {rule.name!r} through channel {name!r}"
        if await self._delivered.has(delivery):
            self._count(name, Outcome.REPEATED)
            return
        try:
            self._require_rested(name)
            await self._channels[name].deliver(self._composer.compose(rule, event))
        except TryLater as later:
            self._rest(name, later.after_seconds)
            self._count(name, Outcome.PUT_OFF)
            raise TryLater(f"{where}: {later}", after_seconds=later.after_seconds) from None
        except TemplateInvalid as invalid:
            self._count(name, Outcome.REFUSED)
            raise DeliveryRefused(f"{where}: its template {invalid}.") from None
        except DeliveryRefused as refused:
            self._count(name, Outcome.REFUSED)
            raise DeliveryRefused(f"{where}: {refused.message}") from None
        except DeliveryFailed as failed:
            self._count(name, Outcome.FAILED)
            raise DeliveryFailed(f"{where}: {failed.message}") from None
        self._count(name, Outcome.DELIVERED)
        log.info("notified", event_id=event.event_id, event_type=event.event_type, rule=rule.name, channel=name)
        await self._delivered.note(delivery)

    def _rest(self, name: str, seconds: float) -> None:
        until = self._clock.monotonic() + seconds
        self._rests_until[name] = max(self._rests_until.get(name, until), until)

    def _require_rested(self, name: str) -> None:
        seconds = self._rests_until.get(name, 0.0) - self._clock.monotonic()
        if seconds > 0:
            raise TryLater("It asked for a pause.", after_seconds=seconds)

    def _count(self, name: str, outcome: Outcome) -> None:
        self._counter.add(self._rules.channels[name].kind, outcome)


def _raise_of(failures: Sequence[BaseException]) -> None:
    for failure in failures:
        if not isinstance(failure, TryLater):
            raise failure
    pauses = [failure for failure in failures if isinstance(failure, TryLater)]
    if pauses:
        first = min(pauses, key=lambda pause: pause.after_seconds)
        raise TryLater(str(first), after_seconds=first.after_seconds + jittered(first.after_seconds * SPREAD))
