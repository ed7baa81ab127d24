from __future__ import annotations

import pytest

from services.agents.__main__ import EXIT_USAGE, main, roles


def test_an_unknown_role_is_an_error_that_lists_the_roles(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["astrologer"]) == EXIT_USAGE

    said = capsys.readouterr().err
    assert "no role 'astrologer'" in said
    assert all(role in said for role in roles())


@pytest.mark.parametrize("arguments", [[], ["developer", "accountant"]])
def test_exactly_one_role_is_served(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == EXIT_USAGE
    assert "Name one role" in capsys.readouterr().err


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    assert "Usage" in capsys.readouterr().out
