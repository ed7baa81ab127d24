"""What every catalogue of definitions does, in PostgreSQL and in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import asyncpg
import pytest

from archwright import ids
from archwright.errors import (
    ChannelInUse,
    ChannelNotFound,
    DefinitionDeprecated,
    DefinitionInvalid,
    DefinitionNotFound,
    DefinitionVersionTaken,
    LimitReached,
    RequestInvalid,
)
from archwright.language.builtin import builtin_definitions
from services.chassis.clock import SystemClock
from services.engine.domain.definitions import CHANNELS_MAX
from services.engine.ports.definitions import Definitions
from services.engine.ports.keys import AuditRow
from services.engine.storage.catalogue import Catalogue
from services.engine.storage.database import Database
from services.engine.storage.memory.catalogue import MemoryCatalogue

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
BUILT_IN = "architecture_creation"
_tenants = count(1)


@pytest.fixture(scope="module")
def catalogue_dsn(database: Any) -> str:
    return str(database.dsn("archwright_engine"))


@pytest.fixture(scope="module")
async def pool(catalogue_dsn: str) -> AsyncIterator[Database]:
    opened = Database(catalogue_dsn, pool_max=4)
    yield opened
    await opened.close()


@pytest.fixture(params=["postgres", "memory"])
def catalogue(request: pytest.FixtureRequest, pool: Database) -> Definitions:
    return MemoryCatalogue(SystemClock()) if request.param == "memory" else Catalogue(pool)


@pytest.fixture
def tenant() -> str:
    """A tenant that has nothing yet."""
    return f"tenant_{next(_tenants)}"


def text(version: str = "1.0.0", name: str = "report", seconds: int = 600) -> str:
    return f"name: {name}\nversion: {version}\nsteps:\n  - {{name: write, agent: writer, timeout_seconds: {seconds}}}\n"


def audit(action: str = "PublishDefinition") -> AuditRow:
    return AuditRow(ids.new_uuid(), NOON, "ann", action, "definitions", "ok", "127.0.0.1", "test")


async def publish(catalogue: Definitions, tenant: str, *versions: str, name: str = "report") -> None:
    for version in versions:
        await catalogue.publish(tenant, text(version, name), "ann", audit())


async def latest(catalogue: Definitions, tenant: str) -> str:
    return (await catalogue.get(tenant, "report")).version


async def deprecate(catalogue: Definitions, tenant: str, version: str, note: str = "") -> None:
    await catalogue.deprecate(tenant, "report", version, note, "ann", audit("DeprecateDefinition"))


async def point(catalogue: Definitions, tenant: str, channel: str, version: str) -> None:
    await catalogue.set_channel(tenant, "report", channel, version, "ann", audit("SetChannel"))


async def audited(catalogue: Definitions, tenant: str, database: Any) -> list[str]:
    if isinstance(catalogue, MemoryCatalogue):
        return [row.action for of, row in catalogue.audit if of == tenant]
    owner = await asyncpg.connect(database.owner_dsn)
    rows = await owner.fetch("SELECT action FROM engine.audit WHERE tenant_id = $1 ORDER BY number", tenant)
    await owner.close()
    return [row["action"] for row in rows]


async def test_a_definition_comes_back_as_it_was_published(catalogue: Definitions, tenant: str) -> None:
    published = await catalogue.publish(tenant, text(), "ann", audit())

    found = await catalogue.get(tenant, "report", "1.0.0")

    assert found == published
    assert (found.published.created_by, found.published.built_in, found.published.deprecation) == ("ann", False, None)
    assert await catalogue.source(tenant, "report", "1.0.0") == text()


async def test_publishing_the_same_content_again_is_the_same_answer(
    catalogue: Definitions, tenant: str, database: Any
) -> None:
    first = await catalogue.publish(tenant, text(), "ann", audit())

    again = await catalogue.publish(tenant, "# Said otherwise.\n" + text(), "bob", audit())

    assert again == first
    assert await catalogue.source(tenant, "report", "1.0.0") == text()
    assert await audited(catalogue, tenant, database) == ["PublishDefinition"]


async def test_a_version_never_gets_other_content(catalogue: Definitions, tenant: str) -> None:
    await publish(catalogue, tenant, "1.0.0")

    with pytest.raises(DefinitionVersionTaken, match="give this one a new version"):
        await catalogue.publish(tenant, text(seconds=60), "ann", audit())

    assert await catalogue.source(tenant, "report", "1.0.0") == text()


async def test_what_is_wrong_is_not_kept(catalogue: Definitions, tenant: str) -> None:
    with pytest.raises(DefinitionInvalid):
        await catalogue.publish(tenant, "name: report\nsteps: []\n", "ann", audit())

    with pytest.raises(DefinitionNotFound):
        await catalogue.get(tenant, "report")


@pytest.mark.parametrize(
    ("published", "expected"),
    [
        (("1.0.0", "1.1.0"), "1.1.0"),
        (("1.9.0", "1.10.0", "1.2.0"), "1.10.0"),
        (("2.0.0", "1.0.0"), "2.0.0"),
        (("1.0.0", "2.0.0-rc.1"), "1.0.0"),
        (("1.0.0", "1.0.0+build.7-a", "1.0.0-beta"), "1.0.0+build.7-a"),
        (("0.999999999.0", "0.1000.0"), "0.999999999.0"),
    ],
)
async def test_latest_is_the_highest_version_that_is_no_pre_release(
    catalogue: Definitions, tenant: str, published: tuple[str, ...], expected: str
) -> None:
    await publish(catalogue, tenant, *published)

    assert await latest(catalogue, tenant) == expected
    assert (await catalogue.get(tenant, "report", "latest")).version == expected


async def test_latest_passes_over_what_is_deprecated(catalogue: Definitions, tenant: str) -> None:
    await publish(catalogue, tenant, "1.0.0", "1.1.0")

    await deprecate(catalogue, tenant, "1.1.0", "it loses commas")

    assert await latest(catalogue, tenant) == "1.0.0"
    found = (await catalogue.get(tenant, "report", "1.1.0")).published
    assert found.deprecation is not None
    assert (found.deprecation.note, found.deprecation.by) == ("it loses commas", "ann")
    assert await catalogue.source(tenant, "report", "1.1.0") == text("1.1.0")


async def test_where_nothing_may_be_the_latest_the_versions_are_named(catalogue: Definitions, tenant: str) -> None:
    await publish(catalogue, tenant, "1.0.0", "2.0.0-rc.1")
    await deprecate(catalogue, tenant, "1.0.0")

    with pytest.raises(DefinitionNotFound, match=r"Name one of these: 2\.0\.0-rc\.1, 1\.0\.0 \(deprecated\)\."):
        await catalogue.get(tenant, "report")


async def test_a_deprecation_is_taken_back(catalogue: Definitions, tenant: str, database: Any) -> None:
    await publish(catalogue, tenant, "1.0.0")
    await deprecate(catalogue, tenant, "1.0.0", "wrong")
    await deprecate(catalogue, tenant, "1.0.0", "wrong")
    await deprecate(catalogue, tenant, "1.0.0", "very wrong")

    for _ in range(2):
        restored = await catalogue.restore(tenant, "report", "1.0.0", audit("RestoreDefinition"))
        assert (restored.deprecation, restored.channels) == (None, ("latest",))

    assert await latest(catalogue, tenant) == "1.0.0"
    assert await audited(catalogue, tenant, database) == [
        "PublishDefinition",
        "DeprecateDefinition",
        "DeprecateDefinition",
        "RestoreDefinition",
    ]


async def test_a_channel_points_at_a_version_and_may_be_moved(
    catalogue: Definitions, tenant: str, database: Any
) -> None:
    await publish(catalogue, tenant, "1.0.0", "2.0.0-rc.1")
    await point(catalogue, tenant, "stable", "1.0.0")
    await point(catalogue, tenant, "canary", "1.0.0")

    await point(catalogue, tenant, "canary", "2.0.0-rc.1")
    await point(catalogue, tenant, "canary", "2.0.0-rc.1")

    assert (await catalogue.get(tenant, "report", "canary")).version == "2.0.0-rc.1"
    channels = await catalogue.channels(tenant, "report")
    assert [(each.name, each.version, each.updated_by) for each in channels] == [
        ("canary", "2.0.0-rc.1", "ann"),
        ("latest", "1.0.0", ""),
        ("stable", "1.0.0", "ann"),
    ]
    assert (await audited(catalogue, tenant, database)).count("SetChannel") == 3


async def test_versions_are_listed_the_highest_first_with_their_channels(catalogue: Definitions, tenant: str) -> None:
    await publish(catalogue, tenant, "1.0.0", "1.10.0", "1.2.0", "2.0.0-rc.2", "2.0.0-rc.10", "2.0.0-alpha")
    await point(catalogue, tenant, "stable", "1.10.0")

    versions = await catalogue.versions(tenant, "report")

    assert [(each.version, each.channels) for each in versions] == [
        ("2.0.0-rc.10", ()),
        ("2.0.0-rc.2", ()),
        ("2.0.0-alpha", ()),
        ("1.10.0", ("latest", "stable")),
        ("1.2.0", ()),
        ("1.0.0", ()),
    ]


async def test_publishing_points_channels_too(catalogue: Definitions, tenant: str) -> None:
    await catalogue.publish(tenant, text(), "ann", audit(), ["stable", "canary", "stable"])

    assert (await catalogue.get(tenant, "report", "stable")).version == "1.0.0"
    assert (await catalogue.get(tenant, "report", "canary")).version == "1.0.0"


@pytest.mark.parametrize("channel", ["latest", "1.0.0", "Stable", "", "a" * 65, "a b"])
async def test_a_channel_that_nobody_may_have_is_refused_and_nothing_is_published(
    catalogue: Definitions, tenant: str, channel: str
) -> None:
    with pytest.raises(RequestInvalid):
        await catalogue.publish(tenant, text(), "ann", audit(), ["stable", channel])

    with pytest.raises(DefinitionNotFound):
        await catalogue.get(tenant, "report")
    await publish(catalogue, tenant, "1.0.0")
    with pytest.raises(RequestInvalid):
        await point(catalogue, tenant, channel, "1.0.0")
    with pytest.raises(RequestInvalid):
        await catalogue.delete_channel(tenant, "report", channel, audit())


async def test_a_deleted_channel_is_there_no_more(catalogue: Definitions, tenant: str) -> None:
    await publish(catalogue, tenant, "1.0.0")
    await point(catalogue, tenant, "stable", "1.0.0")

    await catalogue.delete_channel(tenant, "report", "stable", audit())

    with pytest.raises(DefinitionNotFound, match=r"has no channel 'stable'\. There are: latest; and versions: 1\.0\.0"):
        await catalogue.get(tenant, "report", "stable")
    with pytest.raises(ChannelNotFound):
        await catalogue.delete_channel(tenant, "report", "stable", audit())


async def test_no_channel_ever_points_at_a_deprecated_version(catalogue: Definitions, tenant: str) -> None:
    await publish(catalogue, tenant, "1.0.0", "1.1.0")
    await point(catalogue, tenant, "stable", "1.0.0")

    with pytest.raises(ChannelInUse, match="'stable'"):
        await deprecate(catalogue, tenant, "1.0.0")
    await point(catalogue, tenant, "stable", "1.1.0")
    await deprecate(catalogue, tenant, "1.0.0", "old.")

    with pytest.raises(DefinitionDeprecated, match=r"deprecated: old\. "):
        await point(catalogue, tenant, "stable", "1.0.0")
    with pytest.raises(DefinitionDeprecated):
        await catalogue.publish(tenant, text(), "ann", audit(), ["stable"])
    assert (await catalogue.get(tenant, "report", "stable")).version == "1.1.0"


async def test_deprecating_and_pointing_at_once_never_both_win(catalogue: Definitions, tenant: str) -> None:
    await publish(catalogue, tenant, "1.0.0")

    for number in range(8):
        outcomes = await asyncio.gather(
            deprecate(catalogue, tenant, "1.0.0"),
            point(catalogue, tenant, f"c{number}", "1.0.0"),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in outcomes) in (
            ["ChannelInUse", "NoneType"],
            ["DefinitionDeprecated", "NoneType"],
        )
        await catalogue.restore(tenant, "report", "1.0.0", audit())
        for channel in await catalogue.channels(tenant, "report"):
            if channel.name != "latest":
                await catalogue.delete_channel(tenant, "report", channel.name, audit())


async def test_a_definition_has_so_many_channels_and_no_more(catalogue: Definitions, tenant: str) -> None:
    await catalogue.publish(tenant, text(), "ann", audit(), [f"c{number}" for number in range(CHANNELS_MAX)])

    with pytest.raises(LimitReached, match="Delete one first"):
        await point(catalogue, tenant, "one_more", "1.0.0")
    with pytest.raises(LimitReached):
        await catalogue.publish(tenant, text("1.1.0"), "ann", audit(), ["one_more"])

    await point(catalogue, tenant, "c7", "1.0.0")
    assert [each.version for each in await catalogue.versions(tenant, "report")] == ["1.0.0"]


@pytest.mark.parametrize("version", ["stable", "latest", ""])
async def test_what_is_changed_is_named_by_its_version(catalogue: Definitions, tenant: str, version: str) -> None:
    await publish(catalogue, tenant, "1.0.0")
    await point(catalogue, tenant, "stable", "1.0.0")

    with pytest.raises(RequestInvalid, match="must be a version itself"):
        await deprecate(catalogue, tenant, version)
    with pytest.raises(RequestInvalid):
        await catalogue.restore(tenant, "report", version, audit())
    with pytest.raises(RequestInvalid):
        await point(catalogue, tenant, "canary", version)


async def test_what_is_not_there_is_named_with_what_is(catalogue: Definitions, tenant: str) -> None:
    await publish(catalogue, tenant, "1.0.0")

    with pytest.raises(DefinitionNotFound, match=rf"'reports'\. There are: .*{BUILT_IN}.*report"):
        await catalogue.get(tenant, "reports")
    with pytest.raises(DefinitionNotFound, match=r"version '2\.0\.0'\. There are: 1\.0\.0\."):
        await catalogue.get(tenant, "report", "2.0.0")
    with pytest.raises(DefinitionNotFound):
        await catalogue.source(tenant, "report", "2.0.0")
    with pytest.raises(DefinitionNotFound):
        await deprecate(catalogue, tenant, "2.0.0")
    with pytest.raises(DefinitionNotFound):
        await catalogue.restore(tenant, "report", "2.0.0", audit())
    with pytest.raises(DefinitionNotFound):
        await point(catalogue, tenant, "stable", "2.0.0")
    with pytest.raises(DefinitionNotFound):
        await catalogue.versions(tenant, "reports")
    with pytest.raises(DefinitionNotFound):
        await catalogue.channels(tenant, "reports")


async def test_tenants_see_nothing_of_each_other(catalogue: Definitions, tenant: str) -> None:
    await catalogue.publish(tenant, text(), "ann", audit(), ["stable"])
    other = f"{tenant}_other"
    await catalogue.publish(other, text(seconds=60), "eve", audit())

    with pytest.raises(DefinitionNotFound):
        await catalogue.get(other, "report", "stable")
    own, others = await asyncio.gather(catalogue.get(tenant, "report"), catalogue.get(other, "report"))

    assert own.content_hash != others.content_hash
    assert own.published.created_by == "ann"


async def test_every_tenant_has_what_comes_with_archwright(catalogue: Definitions, tenant: str) -> None:
    listed = await catalogue.list(tenant, limit=200, after="")

    assert [each.name for each in listed] == sorted(builtin_definitions())
    assert all(each.published.built_in for each in listed)
    for name, source in builtin_definitions().items():
        found = await catalogue.get(tenant, name)
        assert await catalogue.source(tenant, name, found.version) == source


async def test_a_tenant_publishes_its_own_version_of_what_comes_with_archwright(
    catalogue: Definitions, tenant: str
) -> None:
    await catalogue.publish(tenant, text("9.0.0", BUILT_IN), "ann", audit())

    assert (await catalogue.get(tenant, BUILT_IN)).version == "9.0.0"
    assert [each.built_in for each in await catalogue.versions(tenant, BUILT_IN)] == [False, True]


async def test_definitions_are_listed_by_name_and_page(catalogue: Definitions, tenant: str) -> None:
    for name in ("zeta", "a_1", "a-1", "ab"):
        await publish(catalogue, tenant, "1.0.0", "2.0.0-rc.1", name=name)
    await publish(catalogue, tenant, "0.1.0-alpha", "0.1.0-beta", name="early")

    first = await catalogue.list(tenant, limit=3, after="")
    rest = await catalogue.list(tenant, limit=100, after=first[-1].name)

    assert [each.name for each in first] == ["a-1", "a_1", "ab"]
    names = {each.name: each.version for each in (*first, *rest)}
    assert list(names) == sorted(names)
    assert names["zeta"] == "1.0.0"
    assert names["early"] == "0.1.0-beta"


async def test_what_was_answered_before_a_look_up_is_seen_by_it(catalogue: Definitions, tenant: str) -> None:
    await publish(catalogue, tenant, "1.0.0")

    async def look_up_all_the_time(versions: list[str]) -> None:
        while versions[-1:] != ["1.20.0"]:
            versions.append(await latest(catalogue, tenant))
            await asyncio.sleep(0)  # noqa: TID251 - lets the others have their turn

    async def publish_and_look(number: int) -> None:
        await publish(catalogue, tenant, f"1.{number}.0")
        found = await asyncio.gather(*(latest(catalogue, tenant) for _ in range(20)))
        assert set(found) == {f"1.{number}.0"}

    seen: list[str] = []
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(look_up_all_the_time(seen))
        for number in range(1, 21):
            await publish_and_look(number)
        await looking

    order = [int(version.split(".")[1]) for version in seen]
    assert order == sorted(order)
