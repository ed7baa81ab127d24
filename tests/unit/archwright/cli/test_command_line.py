from __future__ import annotations

from pathlib import Path

import pytest

from archwright.cli.main import NOUNS, VERBS, run


@pytest.fixture(autouse=True)
def _no_mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GATEWAY", "TOKEN", "CA_FILE"):
        monkeypatch.delenv(f"ARCHWRIGHT_{name}", raising=False)
    monkeypatch.setenv("ARCHWRIGHT_STATE", str(tmp_path))


def test_help_names_every_command_and_every_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0

    printed = capsys.readouterr().out
    assert all(name in printed for name in VERBS + NOUNS)
    assert all(code in printed for code in ("0    done", "3    not found", "130  interrupted"))


@pytest.mark.parametrize("name", VERBS + NOUNS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([name, "--help"]) == 0
    assert f"archwright {name}" in capsys.readouterr().out


def test_a_flag_is_not_shown_as_if_it_took_a_value(capsys: pytest.CaptureFixture[str]) -> None:
    for words in ([], ["workflows", "show"], ["definitions", "channel", "list"]):
        assert run([*words, "--help"]) == 0
    assert "<bool>" not in capsys.readouterr().out


def test_a_command_that_is_not_there_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["workflow"]) == 2
    assert "workflows" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["workflows", "list"], ["token"], ["status"], ["agents", "get", "a"]])
def test_without_a_mesh_the_person_is_told_how_to_start_one(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 5

    printed = capsys.readouterr()
    assert printed.out == ""
    assert "`archwright up` starts one" in printed.err


def test_a_gateway_where_nobody_listens_is_not_reachable(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["workflows", "get", "wf_1", "--gateway", "http://127.0.0.1:1", "--token", "t"]) == 5
    assert "127.0.0.1:1 cannot be reached" in capsys.readouterr().err


def test_the_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("archwright 0.")
