"""Which of a workflow's files approvals show, and the hash of what one shows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from fnmatch import fnmatchcase

from immutables import Map

from archwright.language.model import Approval, Json
from archwright.language.plan import Plan
from services.engine.domain.events import ArtifactMade
from services.engine.domain.values import canonical
from services.engine.domain.workflow import Workflow


def files_after(plan: Plan, workflow: Workflow, made: Iterable[ArtifactMade]) -> Map[str, str]:
    """Return the files that approvals may show, after a task has made some."""
    files = workflow.files
    for file in made:
        if _fits(file.name, plan.shown_artifacts):
            files = files.set(file.name, file.sha256)
    return files


def shown_files(approval: Approval, workflow: Workflow) -> tuple[ArtifactMade, ...]:
    """Return the files that an approval shows now, by name."""
    return tuple(
        ArtifactMade(name, sha256) for name, sha256 in sorted(workflow.files.items()) if _fits(name, approval.artifacts)
    )


def hash_of(approval: Approval, shown: Json, files: Iterable[ArtifactMade]) -> str:
    """Return the SHA-256 of what an approval shows: of its input, or where it shows files, of both together."""
    if approval.artifacts:
        shown = {"input": shown, "artifacts": {file.name: file.sha256 for file in files}}
    return hashlib.sha256(canonical(shown)).hexdigest()


def _fits(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
