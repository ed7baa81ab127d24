"""The guide to notifications shows what works: its file of rules is read, and its ten lines verify our signatures."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from typing import Any, Literal

import pytest
from documents import ROOT, blocks

from services.notifier.channels.webhook import key_of, signature
from services.notifier.domain.channels import APPRISE_SCHEMES
from services.notifier.rules_file import read_rules

GUIDE = "docs/notifications.md"
SECRET = "whsec_" + base64.b64encode(b"secret-of-tests-with-32-bytes!!!").decode()
SECRETS = {
    "SMTP_PASSWORD": "password",
    "SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0/B0/key",
    "/run/secrets/teams_webhook_url": "https://prod.example.logic.azure.com/workflows/key",
    "CMDB_WEBHOOK_SECRET": SECRET,
    "PAGERDUTY_URL": "pagerduty://key@service",
}


def reveal(kind: Literal["env", "file"], name: str) -> str:
    return SECRETS[name]


def test_the_file_of_rules_is_read(tmp_path: Path) -> None:
    [text] = blocks(GUIDE, "The file of rules", "yaml")
    file = tmp_path / "notifications.yaml"
    file.write_text(text)

    rules = read_rules(file, reveal)

    assert {described.kind for described in rules.channels.values()} == {
        "email",
        "slack",
        "teams",
        "webhook",
        "apprise",
    }
    assert {name for rule in rules.rules for name in rule.to} == set(rules.channels)


@pytest.mark.parametrize(
    ("secret", "age_seconds", "body", "is_ours"),
    [
        (SECRET, 0, b"{}", True),
        (SECRET, 600, b"{}", False),
        (SECRET, 0, b"{ }", False),
        ("whsec_" + base64.b64encode(b"another").decode(), 0, b"{}", False),
    ],
)
def test_the_ten_lines_know_our_signatures(secret: str, age_seconds: int, body: bytes, is_ours: bool) -> None:
    [code] = blocks(GUIDE, "Webhooks: who is calling?", "python")
    there: dict[str, Any] = {}
    exec(code, there)
    timestamp = str(int(time.time()) - age_seconds)
    headers = {
        "webhook-id": "wf_1:7",
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1,other " + signature(key_of(SECRET), "wf_1:7", timestamp, b"{}"),
    }

    assert there["is_ours"](headers, body, secret) is is_ours


def test_every_service_of_apprise_that_is_let_in_is_named() -> None:
    text = (ROOT / GUIDE).read_text()

    assert [scheme for scheme in sorted(APPRISE_SCHEMES) if f"`{scheme}`" not in text] == []
