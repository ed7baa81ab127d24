from __future__ import annotations

import pytest

from services.agents.__main__ import EXIT_USAGE, main, roles
from services.agents.roles.accountant.pricing.chosen import price_provider
from services.agents.roles.developer.deployment.chosen import deploy_provider


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


@pytest.mark.parametrize(
    ("role", "settings", "why"),
    [
        ("accountant", {"ARCHWRIGHT_PRICES_URL": "prices"}, "ARCHWRIGHT_PRICES_URL is 'prices'"),
        ("developer", {"ARCHWRIGHT_DEPLOYMENT_URL": "https://tf"}, "ARCHWRIGHT_DEPLOYMENT_WORKSPACE_ID has to be"),
        (
            "developer",
            {"ARCHWRIGHT_DEPLOYMENT_URL": "https://tf", "ARCHWRIGHT_DEPLOYMENT_WORKSPACE_ID": "ws-1"},
            "ARCHWRIGHT_DEPLOYMENT_TOKEN_FILE",
        ),
    ],
)
def test_settings_that_cannot_work_end_the_process_at_its_start(
    role: str,
    settings: dict[str, str],
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    price_provider.cache_clear()
    deploy_provider.cache_clear()

    assert main([role]) == EXIT_USAGE
    assert why in capsys.readouterr().err

    price_provider.cache_clear()
    deploy_provider.cache_clear()
