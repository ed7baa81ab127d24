"""Names, limits and headers of files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from archwright.errors import LimitReached, PayloadTooLarge
from services.engine.api.artifact_headers import headers
from services.engine.api.artifact_limits import ArtifactLimits
from services.engine.api.artifact_names import is_artifact_name
from services.engine.ports.artifacts import StoredArtifact, Total

LIMITS = ArtifactLimits(bytes_max=10, artifacts_per_workflow_max=3, bytes_per_workflow_max=25)


@pytest.mark.parametrize(
    "name", ["a", "plan/report.html", "Größe 100%.txt", 'say "hello".md', "日本/語", "a%2Fb", "..."]
)
def test_names_of_any_language_are_good(name: str) -> None:
    assert is_artifact_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "/etc/passwd",
        "a//b",
        "a/",
        "..",
        "a/../b",
        "./a",
        "a\\b",
        "a\nb",
        "a\0b",
        "a\u202egnp.exe",
        " a",
        "a /b",
        "\u200b",
        "\ud800",
        "x" * 201,
        "日" * 90,
    ],
    ids=ascii,
)
def test_hostile_names_are_refused(name: str) -> None:
    assert not is_artifact_name(name)


async def pieces(*sizes: int) -> AsyncIterator[bytes]:
    for size in sizes:
        yield bytes(size)


async def test_a_file_may_have_as_many_bytes_as_the_limit_and_no_more() -> None:
    room = LIMITS.room(Total(0, 0))

    assert sum([len(piece) async for piece in room.taken_by(pieces(5, 5))]) == 10
    with pytest.raises(PayloadTooLarge, match=r"10 bytes.*ARCHWRIGHT_ARTIFACT_BYTES_MAX"):
        _ = [piece async for piece in room.taken_by(pieces(5, 6))]


async def test_the_files_of_a_workflow_have_a_limit_together() -> None:
    with pytest.raises(LimitReached, match=r"25 bytes.*ARCHWRIGHT_ARTIFACT_BYTES_PER_WORKFLOW_MAX"):
        _ = [piece async for piece in LIMITS.room(Total(1, 20)).taken_by(pieces(6))]
    with pytest.raises(LimitReached, match=r"3 files.*ARCHWRIGHT_ARTIFACTS_PER_WORKFLOW_MAX"):
        LIMITS.room(Total(3, 3))
    LIMITS.require_room(Total(3, 25))
    with pytest.raises(LimitReached):
        LIMITS.require_room(Total(4, 4))
    with pytest.raises(LimitReached):
        LIMITS.require_room(Total(1, 26))


def test_a_download_is_saved_under_the_last_part_of_its_name() -> None:
    made = StoredArtifact(
        'a/Größe "100%".txt', 2, "0" * 64, 1, "text/plain", "task_1", datetime(2026, 1, 1, tzinfo=UTC)
    )

    told = headers(made)

    assert told["content-disposition"] == (
        "attachment; filename=\"Gr__e _100__.txt\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%20%22100%25%22.txt"
    )
    assert told["etag"] == f'"{"0" * 64}"'
