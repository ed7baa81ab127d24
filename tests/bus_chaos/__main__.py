"""Strikes the bus and whoever reads it, and asks whether anybody missed an event.

python -m tests.bus_chaos --faults 30        the bus as it is
python -m tests.bus_chaos --mutant all       wrong ones, each of which is to be caught
"""

from __future__ import annotations

import argparse
import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from tests.bus_chaos.mutants import MUTANTS
from tests.bus_chaos.run import run
from tests.bus_chaos.strikes import Strike

MUTANT_FAULTS = 30


def main() -> int:
    """Do what the command line asks for; return 1 when somebody missed something, 2 when the run does not count."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bus_chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--faults", type=int, default=30, help="how often to strike")
    parser.add_argument("--seed", type=int, help="decides what strikes when; without one, chance")
    parser.add_argument("--mutant", choices=[*MUTANTS, "all"], help="run a wrong one, which is to be caught")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if asked.seed is None else asked.seed
    if asked.mutant:
        names = list(MUTANTS) if asked.mutant == "all" else [asked.mutant]
        return 1 if [name for name in names if not _caught(name, seed)] else 0
    outcome = run(seed, asked.faults, _say)
    _say(
        f"Seed {seed}: {outcome.strikes.total()} faults of {len(outcome.strikes)} kinds, "
        f"{outcome.workflows} workflows, {outcome.events} events, {outcome.watched} browsers."
    )
    for violation in outcome.violations:
        _say(f"  {violation}")
    if outcome.violations:
        _say(f"Again: python -m tests.bus_chaos --seed {seed} --faults {asked.faults}")
        return 1
    if asked.faults >= len(Strike) and len(outcome.strikes) < len(Strike):
        _say("Nobody missed anything, but some kind of fault never struck.")
        return 2
    _say("Nobody missed an event, and every browser saw exactly the history.")
    return 0


def _caught(name: str, seed: int) -> bool:
    mutant = MUTANTS[name]
    outcome = run(
        seed, MUTANT_FAULTS, _say, engine_program=mutant.engine_program, receiver_options=mutant.receiver_options
    )
    _say(f"{name}: {'caught: ' + outcome.violations[0] if outcome.violations else 'NOT caught'}")
    return bool(outcome.violations)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
