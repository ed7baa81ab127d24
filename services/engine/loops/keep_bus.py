"""Looks after the bus: finds out when it lost something, has it told again, and drops what nobody needs.

Each group's mark in the database says until when it has settled everything. It is moved on only by a survey before
and after which the bus was the same, and after what the groups gave up was taken into the database. So whatever the
bus forgets, the commits since the least of the marks hold it, and are published once more.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

import structlog

from archwright.errors import DependencyUnavailable
from services.bus.port import Survey, Upkeep
from services.chassis.clock import Clock
from services.engine.event_letters import letter_of
from services.engine.ports.bus_record import BusKnown, BusRecord, Redelivery
from services.engine.ports.dead_letters import DeadLetters

log = structlog.get_logger(__name__)

KEEP_SECONDS = 60.0
"""How long an entry stays that every group has settled, for whoever begins to read."""
_CHARGE_SECONDS = 5.0
_SLACK = timedelta(seconds=1)
_LETTERS_AT_ONCE = 100
_FORGET_AFTER = timedelta(hours=24)


class KeepBus:
    """Looks after the bus, on one replica at a time."""

    def __init__(self, record: BusRecord, upkeep: Upkeep, letters: DeadLetters, clock: Clock) -> None:
        self._record = record
        self._letters = letters
        self._upkeep = upkeep
        self._clock = clock
        self._is_away = False
        self.survey: Survey | None = None

    async def step(self) -> None:
        """Look once."""
        if not await self._record.take_charge(_CHARGE_SECONDS):
            return
        try:
            await self._look()
        except DependencyUnavailable as away:
            if away.facts.get("dependency") != "redis":
                raise
            if not self._is_away:
                log.warning("bus_not_looked_after", cause=away.message)
            self._is_away = True
        else:
            self._is_away = False

    async def _look(self) -> None:
        known, life = await self._record.known(), await self._upkeep.life()
        if not known.life:
            await self._record.lost(life, None)  # nobody has had anything of this bus yet
            await self._upkeep.mark()
        elif known.life != life:
            await self._tell_again(known, known.groups, life)
            return
        survey = await self._upkeep.survey(keep_seconds=KEEP_SECONDS)
        whole = {standing.group for standing in survey.standings if standing.is_whole}
        if not survey.is_intact or known.groups.keys() - whole:
            await self._tell_again(known, known.groups, life)
            return
        await self._take_letters()
        redelivered = await self._redeliver()
        if await self._upkeep.life() != life:
            return  # what was seen is no longer true; the next look finds that out
        await self._record.redelivered(redelivered, known.epoch)
        await self._record.note(survey.standings, known.at)
        await self._upkeep.trim(survey)
        await self._forget_abandoned(known)

    async def _tell_again(self, known: BusKnown, groups: Collection[str], life: str) -> None:
        """Make the groups anew, and have everything published again that one of them may have lost."""
        for group in groups:
            await self._upkeep.restore(group)
        marks = [known.groups[group] for group in groups]
        count = await self._record.lost(life, min(marks) - _SLACK if marks else None)
        await self._upkeep.mark()
        log.warning("bus_lost_events", groups=sorted(groups), commits_published_again=count)

    async def _take_letters(self) -> None:
        """Keep what groups have given up where it is safe, and take it from the bus."""
        while found := await self._upkeep.put_away(_LETTERS_AT_ONCE):
            await self._letters.add_event_letters([letter_of(each, self._clock.now()) for each in found])
            await self._upkeep.taken(found)

    async def _redeliver(self) -> Sequence[Redelivery]:
        """Give groups again what somebody redrove; return what that was."""
        due = await self._record.redeliveries(limit=_LETTERS_AT_ONCE)
        for each in due:
            await self._upkeep.redeliver(each.group, each.workflow_id, each.envelope)
        return due

    async def _forget_abandoned(self, known: BusKnown) -> None:
        """Let go of groups of which nobody has settled anything for a day: they would hold everything back."""
        for group, settled_until in known.groups.items():
            if settled_until < self._clock.now() - _FORGET_AFTER:
                log.error("group_forgotten", group=group, settled_until=settled_until.isoformat())
                await self._upkeep.forget(group)
                await self._record.forget(group)
