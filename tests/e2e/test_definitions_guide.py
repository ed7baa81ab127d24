"""The guide to definitions: its commands as they are written, in one shell, against a mesh that is up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from documents import blocks
from guide import place_beside, printed_by, said_by_python

GUIDE = "docs/definitions.md"
BEGINNING = "Keep definitions"
SECTIONS = ("Before it is published", "Publish", "Versions and channels", "Compare", "Retire", "Over REST")


@pytest.fixture(scope="module")
def place(whole_mesh: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder beside the mesh's state, with the guide's definitions."""
    folder = place_beside(whole_mesh, tmp_path_factory.mktemp("guide"))
    first, second = blocks(GUIDE, BEGINNING, "yaml")
    (folder / "invoice-1.0.0.yaml").write_text(first)
    (folder / "invoice-1.1.0.yaml").write_text(second)
    return folder


@pytest.fixture(scope="module")
def printed(whole_mesh: Any, place: Path) -> dict[str, str]:
    """What the commands of each section printed; all of them succeed."""
    return printed_by(GUIDE, SECTIONS, whole_mesh, place)


def test_a_draft_is_checked_drawn_and_planned(printed: dict[str, str], place: Path) -> None:
    words = printed["Before it is published"]

    assert "invoice-1.0.0.yaml is good." in words
    assert "flowchart TD" in words
    assert "missing: read: no agent is registered that is a clerk" in words
    assert "2 of 2 steps would lack something now" in words
    assert "exit code 2" in words
    assert '"$schema"' in (place / "archwright.schema.json").read_text()


def test_it_is_published_with_channels(printed: dict[str, str]) -> None:
    words = printed["Publish"]

    assert words.count("invoice 1.0.0 is published.") == 2
    assert "invoice@canary is 1.1.0 now." in words
    assert "architecture_creation" in words
    assert "agent: auditor" in words


def test_channels_are_moved_and_deleted(printed: dict[str, str]) -> None:
    words = printed["Versions and channels"]

    assert "invoice@stable is 1.1.0 now." in words
    assert "invoice@canary is deleted." in words


def test_versions_are_compared(printed: dict[str, str]) -> None:
    words = printed["Compare"]

    assert "+ read: timeout_seconds 120" in words
    assert "+ input_schema.properties.document.minLength 1" in words
    assert '+ check: {"agent":"auditor","on_unavailable":"skip"}' in words
    assert "--- invoice@1.1.0\n+++ invoice@1.0.0\n@@ " in words
    assert "\n-- name: check\n" in words


def test_a_deprecated_version_is_not_started(printed: dict[str, str]) -> None:
    words = printed["Retire"]

    assert "Version 1.0.0 of 'invoice' is deprecated: use 1.1.0: it has invoices checked." in words
    assert "exit code 2" in words
    assert "wf_" not in words


def test_the_gateway_serves_all_of_it(printed: dict[str, str]) -> None:
    words = printed["Over REST"].replace(" ", "")

    assert '"agents_known":true' in words
    assert '"affects_running_workflows":false' in words
    assert '"mermaid":"flowchartTD' in words
    assert '"deprecation":{"note":"use1.1.0"' in words
    assert '"$schema":"https://json-schema.org/draft/2020-12/schema"' in words


@pytest.mark.usefixtures("printed")
def test_the_python_client_does_the_same(whole_mesh: Any, place: Path) -> None:
    said = said_by_python(GUIDE, whole_mesh, place)

    assert "[('', 'version', '\"1.2.0\"')]" in said
    assert "[('1.2.0', ['latest', 'nightly']), ('1.1.0', []), ('1.0.0', [])]" in said
