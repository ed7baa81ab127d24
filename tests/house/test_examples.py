"""Every example is shown by README or a guide, as a command, which a test runs as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from documents import ROOT, all_blocks

EXAMPLES = sorted(file.name for file in (ROOT / "examples").glob("*.yaml"))
AGENTS = sorted(folder.name for folder in (ROOT / "examples" / "agents").iterdir())
PAGES = ("README.md", *(str(page.relative_to(ROOT)) for page in sorted((ROOT / "docs").glob("*.md"))))
_COMMAND = re.compile(r"archwright run \w+ --input examples/(\S+)")


def commands_of(page: str) -> list[str]:
    """Return the examples that the page's console blocks run."""
    return [name for _, language, text in all_blocks(page) if language == "console" for name in _COMMAND.findall(text)]


@pytest.mark.parametrize("example", EXAMPLES)
def test_readme_or_a_guide_shows_how_to_run_each_example(example: str) -> None:
    assert any(example in commands_of(page) for page in PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_no_page_runs_an_example_that_is_not_there(page: str) -> None:
    assert set(commands_of(page)) <= set(EXAMPLES)


def test_every_page_that_runs_an_example_is_run_by_a_test() -> None:
    tests = "".join(file.read_text() for file in Path(ROOT / "tests/e2e").glob("test_*.py"))

    assert [page for page in PAGES if commands_of(page) and f'"{page}"' not in tests] == []


@pytest.mark.parametrize("agent", AGENTS)
def test_each_agent_that_is_an_example_is_explained_linked_and_run_by_a_test(agent: str) -> None:
    assert (ROOT / "examples" / "agents" / agent / "README.md").is_file()
    assert f"examples/agents/{agent})" in (ROOT / "docs" / "agents.md").read_text()
    assert (ROOT / "tests" / "e2e" / f"test_agent_in_{agent}.py").is_file()
