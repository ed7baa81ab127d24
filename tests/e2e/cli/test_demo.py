"""`archwright demo`: what a newcomer types first."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from archwright.local.temporary import temporary_folder

ARCHWRIGHT = Path(sys.executable).with_name("archwright")
EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_request_goes_through_the_whole_mesh_to_deliverables(example: Path, outside: dict[str, str]) -> None:
    with temporary_folder() as folder:
        done = subprocess.run(
            [ARCHWRIGHT, "demo", "--input", example],
            capture_output=True,
            text=True,
            check=False,
            timeout=170,
            cwd=folder,
            env=outside,
        )

        assert done.returncode == 0, done.stdout + done.stderr
        said, _, place = done.stdout.splitlines()[-1].partition(": ")
        assert said == "Deliverables"
        written = {
            path.relative_to(folder / place).as_posix() for path in (folder / place).rglob("*") if path.is_file()
        }
        assert {"report.html", "model.xml"} <= written
        assert any(name.endswith(".json") for name in written)
