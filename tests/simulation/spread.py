"""Spreads schedules over processes, and tells their outcomes in the order of their seeds.

Each process takes every n-th seed and is read from in turn. So the first failing seed is the same however many
processes there are, and one that is ahead of the others waits until its pipe is read.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection

from tests.simulation.mutants import REAL, Mutation
from tests.simulation.schedule import Outcome, run_schedule


class ProcessDied(Exception):
    """A process that runs schedules ended before its last one."""


def outcomes(
    seeds: range, processes: int, mutation: Mutation = REAL, wildness: float | None = None
) -> Generator[Outcome, None, None]:
    """Yield what becomes of each seed. Once this is closed, whatever was under way has been killed."""
    # Not forked: a fork would hold its siblings' pipes open, and nobody would notice that the reader has gone.
    context = multiprocessing.get_context("spawn")
    started: list[multiprocessing.process.BaseProcess] = []
    told: list[Connection] = []
    try:
        for number in range(min(processes, len(seeds))):
            receive, send = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(seeds[number::processes], send, mutation, wildness))
            process.daemon = True
            process.start()
            send.close()
            started.append(process)
            told.append(receive)
        for place, seed in enumerate(seeds):
            yield _received(told[place % processes], seed)
    finally:
        for each in started:
            each.kill()
        for each in started:
            each.join()


def _received(told: Connection, seed: int) -> Outcome:
    try:
        outcome: Outcome = told.recv()
    except EOFError:
        raise ProcessDied(f"The process that ran seed {seed} died. Again: --replay {seed}") from None
    return outcome


def _work(seeds: range, told: Connection, mutation: Mutation, wildness: float | None) -> None:
    # Ctrl-C reaches every process of the terminal; the one that was asked ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with suppress(BrokenPipeError):
        for seed in seeds:
            outcome = run_schedule(seed, mutation, wildness)
            told.send(outcome if outcome.violations else replace(outcome, transcript=()))
