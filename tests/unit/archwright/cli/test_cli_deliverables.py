from __future__ import annotations

from pathlib import PurePosixPath

import pytest

from archwright.cli.deliverables import outline, safe_path
from archwright.errors import RequestInvalid


@pytest.mark.parametrize("name", ["report.html", "deliverables/requirements.json"])
def test_files_keep_their_names_below_the_folder(name: str) -> None:
    assert safe_path(name) == PurePosixPath(name)


@pytest.mark.parametrize("name", ["/etc/passwd", "../up.txt", "a/../../up.txt", "", "nul\0"])
def test_a_name_that_leads_out_of_the_folder_is_not_written(name: str) -> None:
    with pytest.raises(RequestInvalid):
        safe_path(name)


def test_an_output_is_outlined_by_name() -> None:
    output = {"total_cost": 12, "risks": ["late", "dear"], "model": {"elements": 40}, "nothing": []}

    assert outline(output) == ["  total cost: 12", "  model", "    elements: 40", "  risks", "    - late", "    - dear"]
