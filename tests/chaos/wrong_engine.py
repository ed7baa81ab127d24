"""Runs a mutant of the engine as the engine is run: `python -m tests.chaos.wrong_engine NAME`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from services.engine import main as composition_root
from services.engine.__main__ import main
from tests.chaos.mutants import MUTANTS

if __name__ == "__main__":
    for part, wrong in MUTANTS[sys.argv[1]].parts.items():
        assert hasattr(composition_root, part), f"the engine has no part called {part}"
        setattr(composition_root, part, wrong)
    sys.exit(main([]))
