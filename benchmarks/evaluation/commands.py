"""The commands that judge the roles; each prints JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from archwright.errors import ArchwrightError
from benchmarks.evaluation import creation as of_creation
from benchmarks.evaluation import impact as of_impact
from benchmarks.evaluation import requirements as of_requirements
from benchmarks.evaluation import stories as of_stories

_FILE = {"exists": True, "dir_okay": False, "readable": True}


def requirements(
    csv: Annotated[Path, typer.Option("--csv", help="A requirement a row: requirement, label.", **_FILE)],
) -> None:
    """How often the analyst tells functions from qualities, and qualities from one another, as people do."""
    _print(lambda: of_requirements.measure(csv))


def stories(
    jsonl: Annotated[Path, typer.Option("--jsonl", help="A user story a line, with its spans marked.", **_FILE)],
) -> None:
    """How often the analyst finds who wants what done to what in a user story."""
    _print(lambda: of_stories.measure(jsonl))


def creation(
    requests: Annotated[Path, typer.Option("--requests", help="Requests with what is expected of each.", **_FILE)],
) -> None:
    """How much of what requests hold the analyst finds: numbers, actors, entities, systems of others."""
    _print(lambda: of_creation.measure(requests))


def impact(
    cases: Annotated[Path, typer.Option("--cases", help="Requests for changes with what each must reach.", **_FILE)],
    models: Annotated[Path, typer.Option("--models", help="Where the models are.", exists=True, file_okay=False)],
) -> None:
    """How much of what a change reaches is found in models of what exists, and what is said that is not so."""
    _print(lambda: of_impact.measure(cases, models))


ALL = (requirements, stories, creation, impact)


def _print(measure: Callable[[], dict[str, Any]]) -> None:
    try:
        result = measure()
    except ArchwrightError as error:
        print(error.message, file=sys.stderr)
        raise typer.Exit(1) from None
    print(json.dumps(result, ensure_ascii=False))
