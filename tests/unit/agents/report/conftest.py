from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.deliverables import from_json

CASE = Path(__file__).parents[1] / "claims_outputs.yaml"


@pytest.fixture(scope="session")
def case() -> Mapping[str, Any]:
    return yaml.safe_load(CASE.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def request_input(case: Mapping[str, Any]) -> Mapping[str, Any]:
    return case["request"]


@pytest.fixture(scope="session")
def outputs(case: Mapping[str, Any]) -> Mapping[str, AgentOutput]:
    request = case["request"]["request"]
    return {key: output_of(document, request) for key, document in case.items() if key != "request"}


def output_of(document: Mapping[str, Any], request: str) -> AgentOutput:
    """Return the output that the case's shorthand stands for."""
    whole = {key: sourced(value, request) for key, value in document.items() if key not in {"elements", "relations"}}
    whole["model_ops"] = [
        *(
            {"op": "ADD_ELEMENT", "type": kind, "id": own, "name": name}
            for kind, own, name in document.get("elements", ())
        ),
        *(relation_op(*relation) for relation in document.get("relations", ())),
    ]
    return from_json(whole)


def relation_op(kind: str, source: str, target: str, props: Mapping[str, str] | None = None) -> dict[str, Any]:
    own = f"id-{kind.lower()}-{source}-{target}"
    return {
        "op": "ADD_RELATION",
        "type": kind,
        "id": own,
        "source_id": source,
        "target_id": target,
        "props": props or {},
    }


def sourced(value: Any, request: str) -> Any:
    """Replace every `quote` by the source with its place in the request."""
    if isinstance(value, list):
        return [sourced(one, request) for one in value]
    if not isinstance(value, dict):
        return value
    found = {key: sourced(one, request) for key, one in value.items() if key != "quote"}
    if "quote" in value:
        start = request.index(value["quote"])
        found["source"] = {"span": [start, start + len(value["quote"])], "quote": value["quote"]}
    return found
