"""Lets tests import the harness by the name that `python -m` knows it by."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
