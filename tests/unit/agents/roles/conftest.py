"""Two small requests of different industries, as the business analyst would hand them on."""

from collections.abc import Callable

import pytest

from archwright.agents.v1.business_analyst_pb2 import (
    AcceptanceCriterion,
    Actor,
    Entity,
    Measure,
    QualityClass,
    Requirement,
    RequirementsSpec,
)
from archwright.agents.v1.business_architect_pb2 import (
    BusinessArchitecture,
    BusinessMatrices,
    BusinessObject,
    Capability,
    CapabilityRequirement,
)
from archwright.agents.v1.model_pb2 import Fact, ModelOp, Source
from archwright.agents.v1.output_pb2 import AgentOutput

Sentence = tuple[str, str, str, str]
"""Actor, verb, object, the rest of the sentence."""

CLAIMS: tuple[Sentence, ...] = (
    ("customer", "submit", "claim", "for a policy with the date of the loss"),
    ("customer", "upload", "photo", "of the damage to a claim"),
    ("claims handler", "assess", "claim", "against the coverage of the policy"),
    ("claims handler", "approve", "claim", "up to a limit"),
    ("claims handler", "pay", "payout", "of an approved claim to the customer"),
    ("customer", "track", "claim", "online"),
    ("", "notify", "customer", "by e-mail when the status of a claim changes"),
    ("customer", "update", "customer", "address and bank account"),
    ("fraud analyst", "search", "claim", "by customer, policy and period"),
    ("adjuster", "create", "inspection", "of the damage for a claim"),
)

AUCTIONS: tuple[Sentence, ...] = (
    ("auctioneer", "open", "auction", "with a category"),
    ("participant", "place", "bid", "in an auction in real time"),
    ("participant", "watch", "recording", "of the video stream after the fact"),
    ("participant", "pay", "purchase", "after the auction"),
    ("auctioneer", "close", "auction", "when nobody bids any more"),
    ("participant", "view", "reputation index", "of another participant"),
)

QUALITIES: dict[str, list[tuple[str, str, str, Measure]]] = {
    "insurance": [
        ("performance_efficiency", "PE", "The system shall answer a search for claims within 300 ms.",
         Measure(metric="response_time_p95", op=Fact.LE, value=300, unit="ms")),
        ("reliability", "A", "The system shall be available 99.9 % of the time.",
         Measure(metric="availability", op=Fact.GE, value=99.9, unit="percent")),
        ("security", "SE", "The system shall keep personal data readable only for roles that need it.",
         Measure(metric="unauthorised_access_cases", op=Fact.EQ, value=0, unit="cases")),
    ],
    "media": [
        ("performance_efficiency", "PE", "Bids shall be shown to everyone in real time.",
         Measure(metric="response_time_p95", op=Fact.LE, value=1000, unit="ms")),
    ],
}  # fmt: skip


def fact(kind: Fact.Kind.ValueType, value: str, number: float | None = None, unit: str = "") -> Fact:
    found = Fact(kind=kind, value=value, unit=unit, op=Fact.EQ, basis=Source.EXPLICIT)
    if number is not None:
        found.number = number
    return found


CLAIMS_FACTS = (
    fact(Fact.USERS, "200000", 200_000, "customers"),
    fact(Fact.REGULATION, "GDPR"),
    fact(Fact.CLOUD, "aws"),
    fact(Fact.BUDGET, "1500000", 1_500_000, "EUR"),
    fact(Fact.DEADLINE, "9", 9, "months"),
    fact(Fact.INDUSTRY, "insurance"),
    fact(Fact.AVAILABILITY, "99.9", 99.9, "percent"),
)
AUCTION_FACTS = (fact(Fact.USERS, "3000", 3000, "participants"), fact(Fact.INDUSTRY, "media"))

SpecMaker = Callable[..., AgentOutput]


def requirements_of(
    sentences: tuple[Sentence, ...],
    facts: tuple[Fact, ...] = (),
    *,
    industry: str = "",
    external: tuple[str, ...] = (),
) -> AgentOutput:
    """Return an analyst's output: requirements, entities and actors of these sentences."""
    people = list(dict.fromkeys(actor for actor, *_ in sentences if actor))
    actors = [
        Actor(id=f"ACT-{one.replace(' ', '-')}", name=one, type=Actor.PRIMARY, basis=Source.EXPLICIT) for one in people
    ]
    actors += [
        Actor(id=f"ACT-{one.replace(' ', '-')}", name=one, type=Actor.EXTERNAL_SYSTEM, basis=Source.EXPLICIT)
        for one in external
    ]
    things = list(dict.fromkeys(thing for _, _, thing, _ in sentences))
    if industry == "insurance":
        things.insert(1, "policy")
    entities = [Entity(id=f"ENT-{one.replace(' ', '-')}", name=one, basis=Source.EXPLICIT) for one in things]
    spec = RequirementsSpec(
        problem_statement="A request.", facts=list(facts), actors=actors, entities=entities,
        request_type=RequirementsSpec.NEW_ARCHITECTURE, language="en",
    )  # fmt: skip
    for at, (actor, verb, thing, rest) in enumerate(sentences, start=1):
        spec.requirements.add(
            id=f"REQ-F-{at:03d}",
            kind=Requirement.FUNCTIONAL,
            statement=f"The {actor or 'system'} must {verb} a {thing} {rest}.",
            actor_id=f"ACT-{actor.replace(' ', '-')}" if actor else None,
            verb=verb,
            object=thing,
            priority=Requirement.MUST,
            basis=Source.EXPLICIT,
            acceptance_criteria=[
                AcceptanceCriterion(given="the user is signed in", when=f"they {verb} a {thing}", then="it is done")
            ],
        )
    for at, (iso, promise, statement, measure) in enumerate(QUALITIES.get(industry, ()), start=1):
        spec.requirements.add(
            id=f"REQ-Q-{at:03d}", kind=Requirement.QUALITY, statement=statement, priority=Requirement.MUST,
            quality=QualityClass(iso25010=iso, promise_class=promise), measure=measure, basis=Source.EXPLICIT,
        )  # fmt: skip
    limits = [one for one in facts if one.kind in {Fact.BUDGET, Fact.DEADLINE, Fact.CLOUD, Fact.REGULATION}]
    for at, one in enumerate(limits, start=1):
        spec.requirements.add(
            id=f"REQ-C-{at:03d}", kind=Requirement.CONSTRAINT, priority=Requirement.MUST, basis=Source.EXPLICIT,
            statement=f"The {Fact.Kind.Name(one.kind).lower()} is {one.value} {one.unit}.",
        )  # fmt: skip
    output = AgentOutput(
        agent_type="business_analyst", task_type="analyze", request_id="req-0123", requirements=spec,
        mode=AgentOutput.DETERMINISTIC,
    )  # fmt: skip
    for requirement in spec.requirements:
        kind = "Constraint" if requirement.kind == Requirement.CONSTRAINT else "Requirement"
        output.model_ops.add(
            op=ModelOp.ADD_ELEMENT, id=f"id-{requirement.id.lower()}", type=kind, name=requirement.statement[:60],
            layer="motivation",
        )  # fmt: skip
    return output


def business_of(requirements: AgentOutput, industry: str) -> AgentOutput:
    """Return a business architect's output with one capability for each entity."""
    spec = requirements.requirements
    capabilities, objects, rows = [], [], []
    for entity in spec.entities:
        slug = entity.id.removeprefix("ENT-")
        capabilities.append(Capability(id=f"CAP-{slug}", name=f"{entity.name} management", level=1))
        objects.append(
            BusinessObject(id=f"OBJ-{slug}", name=entity.name, owner_capability_id=f"CAP-{slug}", entity_id=entity.id)
        )
        rows += [
            CapabilityRequirement(capability_id=f"CAP-{slug}", req_id=one.id, score=1)
            for one in spec.requirements
            if one.object == entity.name
        ]
    output = AgentOutput(
        agent_type="business_architect",
        task_type="design",
        request_id=requirements.request_id,
        business=BusinessArchitecture(
            capabilities=capabilities, business_objects=objects, industry=industry,
            matrices=BusinessMatrices(capability_requirement=rows),
        ),
    )  # fmt: skip
    for one in objects:
        output.model_ops.add(
            op=ModelOp.ADD_ELEMENT, id=f"id-{one.id.lower()}", type="BusinessObject", name=one.name, layer="business"
        )
    return output


@pytest.fixture
def claims() -> AgentOutput:
    """The requirements of an insurer with 200,000 customers."""
    return requirements_of(CLAIMS, CLAIMS_FACTS, industry="insurance", external=("policy administration mainframe",))


@pytest.fixture(scope="module")
def claims_once() -> AgentOutput:
    """The same, for tests that look at one result from many sides; they must not change it."""
    return requirements_of(CLAIMS, CLAIMS_FACTS, industry="insurance", external=("policy administration mainframe",))


@pytest.fixture
def claims_business(claims: AgentOutput) -> AgentOutput:
    """The insurer's business architecture."""
    return business_of(claims, "insurance")


@pytest.fixture
def auctions() -> AgentOutput:
    """The requirements of an auction house."""
    return requirements_of(AUCTIONS, AUCTION_FACTS, industry="media")


@pytest.fixture
def make_requirements() -> SpecMaker:
    """A maker of requirements from sentences, for requests of a test's own."""
    return requirements_of
