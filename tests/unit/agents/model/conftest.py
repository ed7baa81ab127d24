from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from archwright.agents.v1.model_pb2 import ModelOp
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.model.graph import Model
from services.agents.model.merge import merge

CASE = Path(__file__).parents[1] / "claims_outputs.yaml"
Relate = Callable[..., ModelOp]
Add = Callable[..., ModelOp]


@pytest.fixture(scope="session")
def add() -> Add:
    def made(kind: str, own: str, name: str = "", **props: str) -> ModelOp:
        return ModelOp(op=ModelOp.ADD_ELEMENT, type=kind, id=own, name=name or own, props=props)

    return made


@pytest.fixture(scope="session")
def relate() -> Relate:
    def made(kind: str, source: str, target: str, *, own: str = "", **props: str) -> ModelOp:
        relation_id = own or f"id-{kind.lower()}-{source}-{target}"
        return ModelOp(
            op=ModelOp.ADD_RELATION, type=kind, id=relation_id, source_id=source, target_id=target, props=props
        )

    return made


@pytest.fixture(scope="session")
def build() -> Callable[..., Model]:
    def made(*ops: ModelOp, name: str = "Architecture") -> Model:
        return merge([AgentOutput(model_ops=ops)], name=name)

    return made


@pytest.fixture(scope="session")
def claims(add: Add, relate: Relate, build: Callable[..., Model]) -> Model:
    """The model of the hand-made claims platform."""
    case: Mapping[str, Mapping[str, list[list[str]]]] = yaml.safe_load(CASE.read_text(encoding="utf-8"))
    ops: list[ModelOp] = []
    for document in case.values():
        ops += [add(*element) for element in document.get("elements", ())]
        for kind, source, target, *props in document.get("relations", ()):
            ops.append(relate(kind, source, target, **(props[0] if props else {})))
    return build(*ops, name="Claims platform")
