"""`archwright demo`: what a newcomer types first."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from archwright.local.temporary import temporary_folder

ARCHWRIGHT = Path(sys.executable).with_name("archwright")
OWN_REQUEST = Path(__file__).parents[3] / "examples" / "hospital-appointments.yaml"


@pytest.mark.parametrize("options", [(), ("--input", OWN_REQUEST)], ids=["as it comes", "with a request of one's own"])
def test_a_request_goes_through_the_whole_mesh_to_deliverables(
    options: Sequence[str | Path], outside: dict[str, str]
) -> None:
    with temporary_folder() as folder:
        done = subprocess.run(
            [ARCHWRIGHT, "demo", *options],
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
