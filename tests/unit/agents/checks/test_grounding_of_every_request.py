"""Nothing is invented: what is said to stand in the request stands there, and all else says that it does not."""

from __future__ import annotations

import re

from role_chain import REQUESTS, outputs_of

from archwright.agents.v1.model_pb2 import Source
from archwright.agents.v1.output_pb2 import AgentOutput

Outputs = dict[str, AgentOutput]
_FILLER = re.compile(r"lorem|ipsum|\bfoo\b|\bbar\b|placeholder|\btodo\b|\btbd\b|\bxxx\b", re.IGNORECASE)


def sourced(outputs: Outputs) -> list[object]:
    spec = outputs["requirements"].requirements
    return [
        *spec.requirements,
        *spec.facts,
        *spec.actors,
        *spec.entities,
        *spec.stakeholders,
        *spec.business_rules,
        *spec.glossary,
        *outputs["application"].application.external_systems,
    ]


def test_quotes_stand_where_they_are_said_to_stand(text: str, outputs: Outputs) -> None:
    for item in sourced(outputs):
        source = item.source  # type: ignore[attr-defined]
        if source.quote:
            start, end = source.span
            assert text[start:end] == source.quote, item


def test_what_is_explicit_has_a_quote_and_what_is_derived_a_rule(outputs: Outputs) -> None:
    for item in sourced(outputs):
        match item.basis:  # type: ignore[attr-defined]
            case Source.EXPLICIT:
                assert item.source.quote, item  # type: ignore[attr-defined]
            case Source.DERIVED | Source.ASSUMED:
                assert getattr(item, "rule_id", "rule"), item
            case other:
                raise AssertionError((other, item))


def test_every_number_of_the_request_is_a_fact_once(text: str, outputs: Outputs) -> None:
    covered = [tuple(fact.source.span) for fact in outputs["requirements"].requirements.facts if fact.source.quote]
    for found in re.finditer(r"(?<![\w.])\d[\d,.]*\d|(?<![\w.])\d(?![\w.])", text):
        holding = [span for span in covered if span[0] <= found.start() and found.end() <= span[1]]
        assert len(holding) == 1, (found.group(), text[max(0, found.start() - 30) : found.end() + 30], holding)


def test_nobody_left_filler_behind(outputs: Outputs) -> None:
    for key, output in outputs.items():
        if key == "scaffold":
            continue  # code has its own tests
        found = _FILLER.search(str(output))
        assert found is None, (key, str(output)[max(0, found.start() - 60) : found.end() + 60])


async def test_requests_of_different_trades_give_different_components() -> None:
    names = {}
    for name, text in REQUESTS.items():
        outputs = await outputs_of(text, until="application")
        names[name] = {each.name for each in outputs["application"].application.components}
    for one, mine in names.items():
        for other, theirs in names.items():
            if one < other:
                assert len(mine & theirs) / len(mine | theirs) < 0.8, (one, other)


async def test_a_request_that_says_nothing_gives_questions_and_little_confidence() -> None:
    output = (await outputs_of("Build an app", until="requirements"))["requirements"]

    spec = output.requirements
    assert len(spec.open_questions) + len(output.open_questions) >= 8
    assert not [each for each in spec.requirements if each.basis == Source.EXPLICIT and each.confidence > 0.8]
