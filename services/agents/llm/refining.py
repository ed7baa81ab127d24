"""A draft refined by a language model, or kept as it is with the reason why."""

from __future__ import annotations

from dataclasses import dataclass

from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput, LlmUse
from archwright.errors import PayloadInvalid
from services.agents.llm.merging import Merged, merge, recount
from services.agents.llm.port import Allowance, Assignment, Document, LanguageModel, ModelFailed, Spent
from services.agents.llm.prompt import ALSO, assignment_of, sha256_of
from services.agents.role import Role
from services.agents.validation import schema
from services.agents.validation.given import Given
from services.agents.validation.judge import complaints

EXAMPLE = "EXAMPLE"
"""The code of the remark that the instructions show; whoever repeats it has not understood them."""
CHARACTERS_A_TOKEN = 4


@dataclass(frozen=True, slots=True)
class Refined:
    """What became of a draft, and what that took."""

    output: AgentOutput
    spent: Spent


async def refine(draft: AgentOutput, role: Role, given: Given, model: LanguageModel, allowance: Allowance) -> Refined:
    """Return the draft with a model's changes in it, once they hold; else the draft, degraded, with a finding."""
    assignment = assignment_of(draft, role, given)
    before = frozenset(_told(complaints(draft, given, role.check)))

    def judge(document: Document) -> list[str]:
        merged = _merged(document, draft, role, given)
        if isinstance(merged, str):
            return [merged]
        wrong = [one for one in _told(complaints(merged.output, given, role.check)) if one not in before]
        return [*merged.refused, *wrong]

    try:
        _afford(assignment, allowance)
        answer = await model.answer(assignment, judge, allowance)
    except ModelFailed as failed:
        return Refined(_kept(draft, model, assignment, failed), failed.spent)
    merged = _merged(answer.document, draft, role, given)
    assert isinstance(merged, Merged)  # `judge` had nothing against it
    merged.output.mode = AgentOutput.LLM
    recount(merged.output, role.key)
    _attribute(merged.output, model, assignment, answer.spent)
    return Refined(merged.output, answer.spent)


def _merged(document: Document, draft: AgentOutput, role: Role, given: Given) -> Merged | str:
    """Return the draft with a document's changes, or why that is no change at all."""
    beyond = sorted(set(document) - {role.key, *ALSO})
    if beyond:
        return f"Only {', '.join((role.key, *ALSO))} may be changed, not {', '.join(beyond)}."
    try:
        change = schema.read(document)
    except PayloadInvalid as unfit:
        return unfit.message
    if any(finding.code == EXAMPLE for finding in change.findings):
        return "The example of the instructions was repeated."
    return merge(draft, change, given.text)


def _afford(assignment: Assignment, allowance: Allowance) -> None:
    """Raise ModelFailed where the prompt alone would take more than there is."""
    needed = (len(assignment.instructions) + len(assignment.prompt)) // CHARACTERS_A_TOKEN
    if needed > allowance.tokens or allowance.cost_micros == 0 or allowance.seconds <= 0:
        left = f"{allowance.tokens:,} tokens" if allowance.cost_micros != 0 else "nothing"
        message = f"Asking takes about {needed:,} tokens, and {left} are left."
        raise ModelFailed("MODEL_BUDGET_SPENT", message, Spent())


def _kept(draft: AgentOutput, model: LanguageModel, assignment: Assignment, failed: ModelFailed) -> AgentOutput:
    kept = AgentOutput()
    kept.CopyFrom(draft)
    kept.mode, kept.degraded = AgentOutput.LLM_FALLBACK, True
    message = f"The language model's work was not used; the rules' stands. {failed.message}"
    kept.findings.add(severity=Finding.WARNING, code=failed.code, message=message)
    _attribute(kept, model, assignment, failed.spent)
    return kept


def _attribute(output: AgentOutput, model: LanguageModel, assignment: Assignment, spent: Spent) -> None:
    output.provenance.llm.CopyFrom(
        LlmUse(
            provider=model.provider,
            model=model.name,
            prompt_sha=sha256_of(assignment),
            tokens_in=spent.input_tokens,
            tokens_out=spent.output_tokens,
            cost_micros=spent.cost_micros,
        )
    )
    if not spent.is_priced and spent.input_tokens:
        output.findings.add(
            severity=Finding.INFO,
            code="MODEL_PRICE_UNKNOWN",
            message=f"What {model.name} costs is not known, so its tokens are counted and its price is not.",
        )


def _told(found: list[Finding]) -> list[str]:
    return [one.message for one in found]
