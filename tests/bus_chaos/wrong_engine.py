"""Runs an engine that never tells the bus again what it lost: `python -m tests.bus_chaos.wrong_engine`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from services.engine import main as composition_root
from services.engine.__main__ import main
from tests.bus_chaos.mutants import NeverToldAgain

if __name__ == "__main__":
    assert hasattr(composition_root, "PostgresBusRecord")
    composition_root.PostgresBusRecord = NeverToldAgain  # type: ignore[misc]  # that is the point
    sys.exit(main([]))
