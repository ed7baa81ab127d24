"""What the roles want readers to know, from all outputs: findings, assumptions and open questions, worst first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from archwright.agents.v1.model_pb2 import Assumption, Finding, Question
from services.agents.model.graph import Problem, Severity
from services.agents.report.dossier import Dossier

MODEL = "Shared model"
_SEVERITIES = {Severity.INFO: Finding.INFO, Severity.WARNING: Finding.WARNING, Severity.ERROR: Finding.ERROR}


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding, and who made it."""

    role: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Open:
    """A question, and who asks it."""

    role: str
    question: Question


@dataclass(frozen=True, slots=True)
class Taken:
    """An assumption, and who made it."""

    role: str
    assumption: Assumption


@dataclass(frozen=True, slots=True)
class Register:
    """Everything that readers should know, whoever says it."""

    findings: tuple[Remark, ...]
    questions: tuple[Open, ...]
    assumptions: tuple[Taken, ...]

    def count(self, severity: Finding.Severity.ValueType) -> int:
        """Return how many findings are of this severity."""
        return sum(remark.finding.severity == severity for remark in self.findings)


def register(dossier: Dossier, problems: Iterable[Problem]) -> Register:
    """Return what all roles and the merging of the model found, each thing once."""
    remarks = [Remark(role, finding) for role, output in dossier.by_role() for finding in output.findings]
    remarks += [Remark(MODEL, _finding(problem)) for problem in problems]
    questions: dict[str, Open] = {}
    for role, output in dossier.by_role():
        for question in (*output.open_questions, *output.requirements.open_questions):
            questions.setdefault(question.id or question.text, Open(role, question))
    assumptions: dict[str, Taken] = {}
    for role, output in dossier.by_role():
        for assumption in output.assumptions:
            assumptions.setdefault(assumption.id or assumption.text, Taken(role, assumption))
    return Register(
        findings=tuple(sorted(remarks, key=lambda one: -one.finding.severity)),
        questions=tuple(sorted(questions.values(), key=lambda one: not one.question.blocking)),
        assumptions=tuple(sorted(assumptions.values(), key=lambda one: -one.assumption.impact)),
    )


def _finding(problem: Problem) -> Finding:
    return Finding(
        severity=_SEVERITIES[problem.severity],
        code=problem.code,
        subject_ids=problem.subject_ids,
        message=problem.message,
    )
