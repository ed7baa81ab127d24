"""Runs the whole mesh under seeded faults, and asks after the invariants at the end of each round.

python -m tests.chaos --seed 1 --minutes 5      the engine as it is
python -m tests.chaos --mutant all              engines that are wrong, each of which is to be caught
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

SUPPORT = Path(__file__).resolve().parents[1] / "support"
sys.path.insert(0, str(SUPPORT))

from tests.chaos.mutants import MUTANTS, caught, is_right_engine_let_go  # noqa: E402
from tests.chaos.round import Outcome, round_of  # noqa: E402
from tests.chaos.verdict import shortcomings, summary  # noqa: E402

ROUND_SECONDS = 45.0
REST_SECONDS = 30.0
"""What a round takes beside its strikes: to start, to come to rest, to be asked."""
VIOLATIONS_SHOWN_MAX = 20


def main() -> int:
    """Do what the command line asks for; return 1 when an invariant was violated, 2 when the run does not count."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="the seed of the first round; without one, chance")
    parser.add_argument("--minutes", type=float, default=5.0, help="about how long to go on; at least one round")
    parser.add_argument("--rounds", type=int, help="how many rounds, instead of minutes")
    parser.add_argument("--seconds", type=float, default=ROUND_SECONDS, help="how long each round is struck")
    parser.add_argument("--logs", type=Path, help="where to leave the logs of a round that went wrong")
    parser.add_argument("--mutant", choices=[*MUTANTS, "all"], help="run a wrong engine, which is to be caught")
    asked = parser.parse_args()
    seed = random.SystemRandom().randrange(1_000_000) if asked.seed is None else asked.seed
    try:
        if asked.mutant:
            return _mutants(list(MUTANTS) if asked.mutant == "all" else [asked.mutant], seed)
        return _rounds(seed, asked)
    except KeyboardInterrupt:
        _say("Stopped.")
        return 130


def _rounds(seed: int, asked: argparse.Namespace) -> int:
    outcomes: list[Outcome] = []
    ends_at = time.monotonic() + 60 * asked.minutes

    def is_over() -> bool:
        if asked.rounds:
            return len(outcomes) >= asked.rounds
        return bool(outcomes) and time.monotonic() + asked.seconds + REST_SECONDS > ends_at

    while not is_over():
        outcome = round_of(seed + len(outcomes), asked.seconds, say=_say, logs=asked.logs)
        outcomes.append(outcome)
        if outcome.violations:
            _say(f"Seed {outcome.seed} violates:")
            _tell(outcome.violations)
            _say(f"Again: python -m tests.chaos --seed {outcome.seed} --rounds 1 --seconds {asked.seconds:g}")
            return 1
    _say(summary(outcomes))
    if short := shortcomings(outcomes):
        _say("No invariant was violated, but the run shows nothing: " + "; ".join(short) + ".")
        return 2
    _say("No invariant was violated.")
    return 0


def _mutants(names: Sequence[str], seed: int) -> int:
    if not is_right_engine_let_go(seed, _say):
        return 1
    escaped = [name for name in names if not caught(name, seed, _say)]
    _say(f"{len(names) - len(escaped)} of {len(names)} wrong engines were caught.")
    return 1 if escaped else 0


def _tell(violations: Sequence[str]) -> None:
    for violation in violations[:VIOLATIONS_SHOWN_MAX]:
        _say(f"  {violation}")
    if len(violations) > VIOLATIONS_SHOWN_MAX:
        _say(f"  and {len(violations) - VIOLATIONS_SHOWN_MAX} more")


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
