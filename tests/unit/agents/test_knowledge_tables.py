"""The packaged tables fit the types that read them, and agree with each other."""

import pytest

from services.agents.knowledge.load import KnowledgeInvalid, table
from services.agents.providers import regions, services
from services.agents.roles.application_architect.entities import Privacy, Templates
from services.agents.roles.application_architect.selection import Components
from services.agents.roles.application_architect.style import Styles
from services.agents.roles.application_architect.tactics import Tactic
from services.agents.roles.developer.terraform import TerraformTable
from services.agents.roles.infrastructure_architect.operations import Controls
from services.agents.verbs import OperationKinds, Verbs
from services.agents.workload import SizingTable


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("components", Components),
        ("entities", Templates),
        ("privacy", Privacy),
        ("styles", Styles),
        ("tactics", dict[str, tuple[Tactic, ...]]),
        ("sizing", SizingTable),
        ("operations", OperationKinds),
        ("controls", Controls),
        ("terraform", TerraformTable),
    ],
)
def test_a_table_fits_its_type_and_is_read_once(name: str, shape: type) -> None:
    assert table(name, shape) is table(name, shape)


def test_a_table_of_another_shape_is_named() -> None:
    with pytest.raises(KnowledgeInvalid, match="'privacy'"):
        table("privacy", Styles)


def test_every_attribute_type_has_a_schema_and_a_column() -> None:
    known = {
        "string",
        "text",
        "integer",
        "decimal",
        "money",
        "date",
        "datetime",
        "boolean",
        "uuid",
        "json",
        "reference",
    }
    templates = table("entities", Templates)

    assert {one.type for kind in templates.kinds.values() for one in kind} <= known


def test_every_class_of_verbs_becomes_an_operation() -> None:
    assert {one.id for one in table("verbs", Verbs).classes} == set(table("operations", OperationKinds).kinds)


def test_every_provider_plays_the_same_roles() -> None:
    roles = {name: set(one.roles) for name, one in services().providers.items()}

    assert len(set(map(frozenset, roles.values()))) == 1


def test_every_provider_has_a_database_with_a_copy_and_one_without() -> None:
    for one in services().providers.values():
        assert {size.replicated for size in one.database} == {True, False}


def test_every_place_has_a_region_of_every_provider() -> None:
    for place in regions().places.values():
        assert set(place) == set(services().providers)


def test_every_resource_that_a_provider_names_can_be_written_as_code() -> None:
    templates = table("terraform", TerraformTable).providers
    for name, offer in services().providers.items():
        resources = {one.resource for one in offer.roles.values()} | {offer.compute_resource, offer.database_resource}
        assert resources - {""} <= set(templates[name].resources if name in templates else ())


def test_every_style_criterion_ends_in_an_open_band_and_rates_every_candidate() -> None:
    styles = table("styles", Styles)
    for criterion in styles.criteria:
        assert criterion.bands[-1].up_to == float("inf")
        assert all(set(band.points) == set(styles.candidates) for band in criterion.bands)
