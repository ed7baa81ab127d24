"""A link in our documents leads to something that is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


@pytest.mark.parametrize("document", [pytest.param(file, id=str(file.relative_to(ROOT))) for file in DOCUMENTS])
def test_every_link_leads_somewhere(document: Path) -> None:
    linked = _LINK.findall(document.read_text())

    assert [link for link in linked if not (document.parent / link).exists()] == []
