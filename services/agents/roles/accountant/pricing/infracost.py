"""Today's prices from Infracost's pricing service, or from one of your own that speaks its GraphQL."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx

from archwright.errors import DependencyUnavailable
from services.agents.knowledge.load import table
from services.agents.roles.accountant.pricing.port import Quote, Wanted

SECONDS_MAX = 20.0
ANSWER_BYTES_MAX = 4 << 20
_QUERY = (
    "query($productFilter: ProductFilter!, $priceFilter: PriceFilter) "
    "{ products(filter: $productFilter) { prices(filter: $priceFilter) { USD } } }"
)


@dataclass(frozen=True, slots=True)
class Question:
    """How a family of our products is asked for. Groups of `sku` may be named in the filters."""

    sku: str
    unit: str
    product: Mapping[str, Any]
    price: Mapping[str, str]
    divide_by: int = 1
    """How many of our units one of theirs has."""


@dataclass(frozen=True, slots=True)
class Questions:
    """The table."""

    regions: Mapping[str, Mapping[str, str]]
    """Regions that the service calls otherwise, by provider."""
    questions: tuple[Question, ...]


class InfracostPrices:
    """Asks the service once for all products."""

    def __init__(self, url: str, key: str) -> None:
        self._url = f"{url.rstrip('/')}/graphql"
        self._key = key

    @property
    def name(self) -> str:
        """Who it is."""
        return "infracost"

    async def quotes(self, wanted: Sequence[Wanted]) -> Mapping[Wanted, Quote]:
        """Return the prices that the service knows; raises DependencyUnavailable where it does not answer well."""
        asked = [(one, question, query) for one in wanted for question, query in _queries(one)]
        if not asked:
            return {}
        answers = await self._asked([query for _, _, query in asked])
        if not isinstance(answers, list) or len(answers) != len(asked):
            raise DependencyUnavailable(f"{self._url} answered with something else than {len(asked)} lists of prices.")
        found: dict[Wanted, Quote] = {}
        for (one, question, _), answer in zip(asked, answers, strict=True):
            price = _price_in(answer)
            if price is not None:
                found[one] = Quote((price / question.divide_by).normalize(), self.name)
        return found

    async def _asked(self, queries: list[dict[str, Any]]) -> Any:
        headers = {"X-Api-Key": self._key, "Accept": "application/json"}
        try:
            async with httpx.AsyncClient(timeout=SECONDS_MAX, follow_redirects=False, trust_env=False) as client:
                answer = await client.post(self._url, json=queries, headers=headers)
        except httpx.HTTPError as error:
            raise DependencyUnavailable(f"{self._url} does not answer: {error or type(error).__name__}.") from error
        if answer.status_code != httpx.codes.OK:
            raise DependencyUnavailable(f"{self._url} answered {answer.status_code}.")
        if len(answer.content) > ANSWER_BYTES_MAX:
            raise DependencyUnavailable(f"{self._url} answered with over {ANSWER_BYTES_MAX} bytes.")
        try:
            return answer.json()
        except ValueError as error:
            raise DependencyUnavailable(f"{self._url} answered with something that is no JSON.") from error


def _queries(wanted: Wanted) -> Iterator[tuple[Question, dict[str, Any]]]:
    known = table("price_queries", Questions)
    for question in known.questions:
        match = re.fullmatch(question.sku, wanted.sku)
        if match and question.unit == wanted.unit:
            region = known.regions.get(wanted.provider, {}).get(wanted.region, wanted.region)
            names = {**match.groupdict(), "region": region}
            product = {**_filled(question.product, names), "vendorName": wanted.provider, "region": region}
            variables = {"productFilter": product, "priceFilter": _filled(question.price, names)}
            yield question, {"query": _QUERY, "variables": variables}
            return


def _filled(value: Any, names: Mapping[str, str]) -> Any:
    match value:
        case str():
            return value.format_map(names)
        case Mapping():
            return {name: _filled(inner, names) for name, inner in value.items()}
        case list() | tuple():
            return [_filled(inner, names) for inner in value]
        case _:
            return value


def _price_in(answer: Any) -> Decimal | None:
    """Return the one price of an answer; None where there is none, or where several differ."""
    try:
        products = answer["data"]["products"]
        found = {Decimal(price["USD"]) for product in products for price in product["prices"]}
    except (KeyError, TypeError, InvalidOperation):
        return None
    return found.pop() if len(found) == 1 and min(found) > 0 else None
