"""The tests that the guide shows, run as a reader would run them, on the agent that it shows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from documents import blocks


def test_the_tests_of_the_guide_pass(tmp_path: Path) -> None:
    (tmp_path / "greeter.py").write_text(blocks("docs/agents.md", "Ten lines", "python")[0])
    (tmp_path / "pricer.py").write_text(blocks("docs/agents.md", "Types and capabilities", "python")[0])
    shown = blocks("docs/agents.md", "Test an agent", "python")
    for number, text in enumerate(shown):
        (tmp_path / f"test_{number}.py").write_text(text)
    (tmp_path / "test_pricer.py").write_text(
        "from archwright.testing import performed\nfrom pricer import agent\n\n"
        "async def test_it_prices():\n"
        "    done = await performed(agent, {'article': 'pen', 'pieces': 3}, capability='pricing@^1.2')\n"
        "    assert done.output == {'article': 'pen', 'price': 7.5}\n"
    )

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-o", "asyncio_mode=auto", "-p", "no:cacheprovider", "."],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 passed" in done.stdout
