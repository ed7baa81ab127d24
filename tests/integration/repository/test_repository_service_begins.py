"""The repository service as a process: it says at once what is wrong with its rules and its environment."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from archwright.local import keys


async def _ended(*arguments: str, **told: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.repository", *arguments),
        env=os.environ | {f"ARCHWRIGHT_{name}": value for name, value in told.items()},
        stdout=PIPE,
        stderr=PIPE,
    )
    async with asyncio.timeout(60):
        _, said = await process.communicate()
    return process.returncode, said.decode()


async def test_wrong_rules_are_told_with_file_line_and_field(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("rules:\n  - name: models\n    tenant: acme\n")

    code, said = await _ended(
        REDIS_URL="redis://127.0.0.1:1/0",
        ENGINE_ADDRESS="http://127.0.0.1:1",
        JWKS_FILE=str(keys.ensure(tmp_path).jwks_file),
        REPOSITORY_RULES_FILE=str(rules),
        REPOSITORY_FOLDER=str(tmp_path / "fetched"),
    )

    assert code == 2
    assert f"{rules}, line 2: rule 'models', repository is missing." in said


async def test_what_the_environment_lacks_is_named(tmp_path: Path) -> None:
    code, said = await _ended(REDIS_URL="redis://127.0.0.1:1/0")

    assert code == 2
    assert "ARCHWRIGHT_REPOSITORY_RULES_FILE: Field required" in said


async def test_a_word_too_many_is_told_how_it_is_used() -> None:
    assert await _ended("--help") == (2, "usage: python -m services.repository\n")
