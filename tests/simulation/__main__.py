"""Drives the engine through seeded schedules of trouble, and asks after the invariants at the end of each.

python -m tests.simulation --schedules 10000 [--seed 1] [--processes N] [--replay SEED]
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import NoReturn

SUPPORT = Path(__file__).resolve().parents[1] / "support"


def main() -> int:
    """Run what the command line asks for; return 1 when an invariant was violated."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=_count, default=1_000, help="how many schedules to run")
    parser.add_argument("--seed", type=int, default=1, help="the seed of the first; the others follow it")
    parser.add_argument(
        "--processes", type=_count, default=os.cpu_count() or 1, help="how many at once; else each core"
    )
    parser.add_argument("--replay", type=int, help="run one schedule and print its transcript")
    asked = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        # Sets of ids are walked in an order that hangs on this; a replay must walk them as the first time.
        os.execve(sys.executable, [sys.executable, "-m", "tests.simulation", *sys.argv[1:]], _same_order())
    sys.path.insert(0, str(SUPPORT))
    signal.signal(signal.SIGTERM, _ended)
    try:
        return _replayed(asked.replay) if asked.replay is not None else _many(asked)
    except KeyboardInterrupt:
        print("Stopped.")
        return 130


def _replayed(seed: int) -> int:
    from tests.simulation.schedule import run_schedule  # noqa: PLC0415  needs the path to the support

    outcome = run_schedule(seed)
    print("\n".join(outcome.transcript))
    print(f"workflows: {dict(outcome.workflows)}; troubles: {dict(outcome.fired)}")
    print("\n".join(outcome.violations) or "No invariant was violated.")
    return 1 if outcome.violations else 0


def _many(asked: argparse.Namespace) -> int:
    from tests.simulation.spread import outcomes  # noqa: PLC0415  needs the path to the support

    began = time.monotonic()
    workflows, fired = Counter[str](), Counter[str]()
    with closing(outcomes(range(asked.seed, asked.seed + asked.schedules), asked.processes)) as found:
        for outcome in found:
            workflows.update(outcome.workflows)
            fired.update(outcome.fired)
            if outcome.violations:
                print("\n".join(outcome.transcript))
                print(f"Seed {outcome.seed} violates:")
                print("\n".join(outcome.violations))
                print(f"Again: python -m tests.simulation --replay {outcome.seed}")
                return 1
    seconds = time.monotonic() - began
    print(
        f"{asked.schedules} schedules in {seconds:.0f} s, {sum(workflows.values())} workflows: {_counted(workflows)}."
    )
    print(f"Troubles: {_counted(fired)}.")
    print("No invariant was violated.")
    return 0


def _count(text: str) -> int:
    """Return a number of something, of which there must be at least one."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not one or more")
    return number


def _ended(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))


def _same_order() -> dict[str, str]:
    return os.environ | {"PYTHONHASHSEED": "0"}


if __name__ == "__main__":
    sys.exit(main())
