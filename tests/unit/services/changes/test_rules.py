"""The rules of change management: the guide's are read, and every mistake is named."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.changes.port import Standing
from services.changes.rules import Jira, ServiceNow, read_rules
from services.chassis.rules_file import RulesInvalid

GUIDE = (Path(__file__).parents[4] / "docs/change-management.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SERVICENOW_PASSWORD", "JIRA_TOKEN", "JIRA_HOOK_SECRET"):
        monkeypatch.setenv(name, "s3cret")


def written(folder: Path, text: str) -> Path:
    file = folder / "changes.yaml"
    file.write_text(text)
    return file


def test_the_rules_of_the_guide_are_rules(tmp_path: Path) -> None:
    [text] = re.findall(r"```yaml\n(rules:.*?)```", GUIDE, flags=re.DOTALL)

    releases, reviews = read_rules(written(tmp_path, text))

    assert isinstance(releases.system, ServiceNow)
    assert isinstance(reviews.system, Jira)
    assert releases.system.fields["assignment_group"] == "Architecture Board"
    assert reviews.system.states["Implementing"] is Standing.APPROVED
    assert releases.covers("acme", "release_to_production")
    assert not releases.covers("acme", "review")
    assert not releases.covers("other", "release_to_production")
    assert "s3cret" not in repr(releases)


SOUND = """
rules:
  - name: releases
    tenant: acme
    system: {kind: servicenow, url: https://acme.example, user: a, password: {env: SERVICENOW_PASSWORD}}
    token_file: /t
"""


@pytest.mark.parametrize(
    ("was", "now", "says"),
    [
        ("name: releases", "name: Two Words", "name String should match pattern"),
        ("tenant: acme", "tenants: acme", "tenant is missing"),
        ("kind: servicenow", "kind: bugzilla", "does not match any of the expected tags"),
        ("https://acme.example", "acme.example", "system.url is no URL such as"),
        ("{env: SERVICENOW_PASSWORD}", "hunter2", "is a secret: name where it stands"),
        ("SERVICENOW_PASSWORD", "NOBODY_SET_THIS", "the environment variable NOBODY_SET_THIS, which is empty"),
        ("token_file: /t", "token_file: /t\n    poll_seconds: 0", "poll_seconds"),
        ("rules:", "rules: [", "line"),
    ],
)
def test_a_mistake_is_named_and_no_secret_told(tmp_path: Path, was: str, now: str, says: str) -> None:
    with pytest.raises(RulesInvalid) as refused:
        read_rules(written(tmp_path, SOUND.replace(was, now, 1)))

    assert says in str(refused.value)
    assert "changes.yaml" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_name_is_of_one_rule(tmp_path: Path) -> None:
    twice = SOUND + SOUND.removeprefix("\nrules:\n")
    with pytest.raises(RulesInvalid, match="is the name of an earlier rule too"):
        read_rules(written(tmp_path, twice))


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesInvalid, match="cannot be read"):
        read_rules(tmp_path / "nothing.yaml")
    with pytest.raises(RulesInvalid, match="bytes"):
        read_rules(written(tmp_path, "#" * 17_000_000))
