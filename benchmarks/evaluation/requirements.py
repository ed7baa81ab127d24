"""How often the analyst tells functions from qualities, and eleven classes of quality apart, as people do.

A file has a requirement a row, in the columns `requirement` and `label`: F for a function, else a class of PROMISE.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.evaluation.files import rows_of_csv
from services.agents.roles.business_analyst.qualities import classify

_FUNCTION = "F"


def measure(file: Path) -> dict[str, Any]:
    """Return the shares of rows that are judged alike, and those that are not by class."""
    judged = [(row["label"].strip(), _class(row["requirement"])) for row in rows_of_csv(file, ("requirement", "label"))]
    return {
        "requirements": len(judged),
        "two_class_accuracy": _share([(right == _FUNCTION) == (said == _FUNCTION) for right, said in judged]),
        "twelve_class_accuracy": _share([right == said for right, said in judged]),
        "recall": {
            label: _share([right == said for right, said in judged if right == label])
            for label in sorted({right for right, _ in judged})
        },
    }


def _class(text: str) -> str:
    quality = classify(text)
    return quality.id if quality else _FUNCTION


def _share(hits: list[bool]) -> float:
    return round(sum(hits) / len(hits), 4)
