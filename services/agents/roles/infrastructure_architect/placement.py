"""Which provider and which region: what the request says, then what a law demands, then what the money suggests.

A law about where records stay beats a wish about where users are; when they disagree, the reader is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from archwright.agents.v1.infrastructure_architect_pb2 import DeploymentRegion
from archwright.agents.v1.model_pb2 import Assumption, Fact, Finding
from services.agents.draft import Draft
from services.agents.facts import of_kind
from services.agents.knowledge.load import table
from services.agents.providers import regions, services


@dataclass(frozen=True, slots=True)
class Law:
    """A law, as far as it says where records stay."""

    id: str
    residency: str = ""


@dataclass(frozen=True, slots=True)
class Laws:
    """The table of laws and standards."""

    regulations: tuple[Law, ...]


def choose_provider(facts: Sequence[Fact], draft: Draft) -> str:
    """Return the provider that the request names first, or the usual one as an assumption."""
    named = [fact.value.lower() for fact in of_kind(facts, Fact.CLOUD) if fact.value.lower() in services().providers]
    if len(set(named)) > 1:
        draft.finding(
            Finding.WARNING,
            "CLOUD_CONTRADICTS",
            f"The request names several clouds ({', '.join(dict.fromkeys(named))}); {named[0]} is used. "
            "Say which one is meant, or that both are.",
        )
    if named:
        return named[0]
    usual = regions().default_provider
    draft.assume(
        Assumption(
            text="The request names no cloud.", default_value=usual, impact=Assumption.MEDIUM, rule_id="INF-PROVIDER"
        )
    )
    return usual


def choose_region(facts: Sequence[Fact], provider: str, draft: Draft) -> DeploymentRegion:
    """Return the provider's region in the place where records must, or should, stay."""
    bound = {law.id: law.residency for law in table("regulations", Laws).regulations if law.residency}
    named_laws = [fact.value.upper() for fact in of_kind(facts, Fact.REGULATION)]
    demands = [(law, bound[law]) for law in named_laws if bound.get(law) in regions().places]
    places = [fact.value.upper() for fact in of_kind(facts, Fact.REGION) if fact.value.upper() in regions().places]
    if demands:
        law, residency = demands[0]
        inside = [place for place in places if place in allowed(residency)]
        if places and not inside:
            draft.finding(
                Finding.WARNING,
                "RESIDENCY_CONFLICT",
                f"{law} keeps records in {residency}, the request names {', '.join(places)}; the law wins. "
                "Check whether its exceptions apply.",
            )
        place = inside[0] if inside else residency
        return _region(place, provider, f"{law} keeps records in {residency}.", residency)
    if places:
        return _region(places[0], provider, f"The request names {places[0]}.", "")
    currency = next((fact.unit.upper() for fact in of_kind(facts, Fact.BUDGET) if fact.unit), "")
    place = regions().currencies.get(currency, regions().default_place)
    reason = f"The budget is in {currency}" if currency in regions().currencies else "Nothing says where the users are"
    draft.assume(
        Assumption(
            text=f"{reason}, so the system runs in {place}.",
            default_value=place,
            impact=Assumption.MEDIUM,
            rule_id="INF-REGION",
        )
    )
    return _region(place, provider, f"{reason}.", "")


def allowed(residency: str) -> frozenset[str]:
    """Return the places in which records stay when they must stay in `residency`."""
    return frozenset(regions().members.get(residency, (residency,)))


def allowed_regions(residency: str, provider: str) -> frozenset[str]:
    """Return the provider's regions in which records stay when they must stay in `residency`."""
    return frozenset(region for place in allowed(residency) for region in regions().places[place][provider])


def _region(place: str, provider: str, reason: str, residency: str) -> DeploymentRegion:
    return DeploymentRegion(id=regions().places[place][provider][0], reason=reason, residency=residency)
