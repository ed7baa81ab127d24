"""An agent that is named on a command line: found, or told why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from archwright.errors import RequestInvalid
from archwright.sdk.loading import load_agent, source_of


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def write(folder: Path, name: str, text: str) -> None:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


def test_an_agent_is_found_in_the_working_folder(folder: Path) -> None:
    write(folder, "loaded_one.py", "from archwright import Agent\nmine = Agent('greeter')\n")
    assert load_agent("loaded_one:mine").agent_type == "greeter"
    assert source_of("loaded_one:mine") == folder


def test_an_agent_is_found_in_a_package(folder: Path) -> None:
    write(folder, "loaded_package/__init__.py", "")
    write(folder, "loaded_package/desk.py", "from archwright import Agent\nagent = Agent('clerk')\n")
    assert load_agent("loaded_package.desk:agent").agent_type == "clerk"
    assert source_of("loaded_package.desk:agent") == folder / "loaded_package"


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("greeter", "Write `module:attribute`, such as `greeter:agent`"),
        ("greeter.py:agent.x", "Write `module:attribute`"),
        ("nowhere_at_all:agent", "There is no module 'nowhere_at_all' in "),
        ("loaded_two:agent", "has no 'agent'. There is `loaded_two:mine`."),
        ("loaded_two:number", "has 'number', which is no Agent but int. There is `loaded_two:mine`."),
        ("loaded_broken:agent", "cannot be imported: ZeroDivisionError: division by zero (loaded_broken.py:2)."),
        ("loaded_lacking:agent", "cannot be imported: ModuleNotFoundError: No module named 'not_there_either'"),
        ("loaded_wrong:agent", "cannot be imported: SyntaxError: "),
    ],
)
def test_what_is_wrong_is_named(folder: Path, target: str, told: str) -> None:
    write(folder, "loaded_two.py", "from archwright import Agent\nmine = Agent('greeter')\nnumber = 1\n")
    write(folder, "loaded_broken.py", "\n1 / 0\n")
    write(folder, "loaded_lacking.py", "import not_there_either\n")
    write(folder, "loaded_wrong.py", "def\n")
    with pytest.raises(RequestInvalid) as refused:
        load_agent(target)
    assert told in refused.value.message
