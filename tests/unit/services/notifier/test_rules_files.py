"""Files of rules: what may be written, and that every mistake is named with its file, line, rule and field."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from services.notifier.domain.channels import Email, Webhook
from services.notifier.domain.rules import Rules
from services.notifier.rules_file import RulesInvalid, read_rules

SECRET = "whsec_c2VjcmV0LW9mLXRlc3RzLXdpdGgtMzItYnl0ZXMh"
CHANNELS = """
channels:
  mail:
    kind: email
    host: smtp.example.com
    from: Archwright <archwright@example.com>
    to: [architects@example.com]
  hook:
    kind: webhook
    url: https://hooks.example.com/archwright
    secret: {env: HOOK_SECRET}
"""
RULE = """
rules:
  - name: what failed
    tenant: acme
    on: {status: [failed]}
    to: [mail]
"""


def reveal(kind: Literal["env", "file"], name: str) -> str:
    if name != "HOOK_SECRET":
        raise ValueError(f"names {kind} {name}, which is not there")
    return SECRET


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rules.yaml"


def read(file: Path, text: str) -> Rules:
    file.write_text(text)
    return read_rules(file, reveal)


def mistakes(file: Path, text: str) -> str:
    with pytest.raises(RulesInvalid) as raised:
        read(file, text)
    return str(raised.value).replace(str(file), "FILE")


def test_channels_and_rules_are_read(file: Path) -> None:
    rules = read(file, CHANNELS + RULE)

    mail, hook = rules.channels["mail"], rules.channels["hook"]
    assert isinstance(mail, Email)
    assert (mail.host, mail.port, mail.tls, mail.to) == (
        "smtp.example.com",
        587,
        "starttls",
        ("architects@example.com",),
    )
    assert isinstance(hook, Webhook)
    assert hook.secret.get_secret_value() == SECRET
    assert rules.rules[0].event_types == ("workflow_failed",)


def test_secrets_are_in_no_text_of_the_rules(file: Path) -> None:
    rules = read(file, CHANNELS + RULE)

    assert SECRET not in repr(rules)
    assert SECRET not in rules.model_dump_json()


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ("['*']", {"workflow_created", "task_failed", "event_emitted"}),
        ("['workflow_*']", {"workflow_created", "workflow_failed"}),
        ("[task_failed]", {"task_failed"}),
    ],
)
def test_events_are_named_or_meant_by_a_pattern(file: Path, events: str, told: set[str]) -> None:
    [rule] = read(file, CHANNELS + RULE.replace("status: [failed]", f"events: {events}")).rules

    assert told <= set(rule.event_types)
    assert "task_progress" not in rule.event_types  # the bus does not carry it


@pytest.mark.parametrize(
    ("tenant", "event_type", "definition", "concerned"),
    [
        ("acme", "workflow_failed", "architecture_creation", True),
        ("globex", "workflow_failed", "architecture_creation", False),
        ("acme", "workflow_completed", "architecture_creation", False),
        ("acme", "workflow_failed", "invoices", False),
    ],
)
def test_a_rule_concerns_its_tenant_its_events_and_its_definitions(
    file: Path, tenant: str, event_type: str, definition: str, concerned: bool
) -> None:
    rules = read(
        file, CHANNELS + RULE.replace("{status: [failed]}", "{status: [failed], definitions: ['architecture_*']}")
    )

    found = list(rules.concerned(tenant=tenant, event_type=event_type, definition_name=definition))

    assert bool(found) is concerned


def test_a_star_means_every_tenant(file: Path) -> None:
    rules = read(file, CHANNELS + RULE.replace("acme", "'*'"))

    assert list(rules.concerned(tenant="globex", event_type="workflow_failed", definition_name="any"))


@pytest.mark.parametrize(
    ("written", "instead", "mistake"),
    [
        ("tenant: acme", "tenent: acme", "line 14: rule 'what failed', tenant is missing."),
        ("tenant: acme", "tenent: acme", "line 15: rule 'what failed', tenent is no field that is known here."),
        (
            "status: [failed]",
            "events: [workflow_faild]",
            "rule 'what failed', on.events.0 'workflow_faild' names no event of the bus. Is 'workflow_failed' me",
        ),
        ("status: [failed]", "events: [task_progress]", "'task_progress' names no event of the bus"),
        (
            "status: [failed]",
            "status: [broken]",
            "on.status.0 Input should be 'running', 'paused', 'completed', 'failed' or 'cancelled'.",
        ),
        ("status: [failed]", "definitions: [a]", "rule 'what failed', on names nothing to tell of"),
        ("to: [mail]", "to: [mial]", "to.0 names no channel 'mial'; there are: hook, mail."),
        ("to: [mail]", "to: [mail, mail]", "to.1 names the channel 'mail' a second time."),
        ("to: [mail]", "to: []", "rule 'what failed', to "),
        ("kind: email", "kind: letter", "line 4: channel 'mail' Input tag 'letter'"),
        ("kind: email", "sort: email", "channel 'mail' lacks `kind`"),
        (
            "host: smtp.example.com",
            "host: smtp.example.com\n    user: me",
            "channel 'mail' has one of `user` and `password`; they go together.",
        ),
        (
            "host: smtp.example.com",
            "host: smtp.example.com\n    user: me\n    password: {env: HOOK_SECRET}\n    tls: none",
            "channel 'mail' would send its password in clear",
        ),
        (
            "host: smtp.example.com",
            "host: smtp.example.com\n    port: 99999",
            "line 6: channel 'mail', port Input should be less than or equal to 65535.",
        ),
        ("[architects@example.com]", "[architects]", "channel 'mail', to.0 'architects' is no address"),
        (
            "https://hooks.example.com/archwright",
            "ftp://hooks.example.com",
            "channel 'hook', url is no URL such as https://host/path",
        ),
        (
            "https://hooks.example.com/archwright",
            "https://me:word@hooks.example.com",
            "channel 'hook', url is no URL such as https://host/path",
        ),
        ("{env: HOOK_SECRET}", "{env: OTHER}", "channel 'hook', secret names env OTHER, which is not there."),
        (
            "{env: HOOK_SECRET}",
            "hush-hush-hush-hush",
            "channel 'hook', secret is a secret: name where it stands, as `{env: VARIABLE}`",
        ),
        ("name: what failed", "nome: what failed", "rule number 1, name is missing."),
        ("rules:", "rulez:", "line 2: rules is missing."),
    ],
)
def test_a_mistake_is_named_with_its_place(file: Path, written: str, instead: str, mistake: str) -> None:
    told = mistakes(file, (CHANNELS + RULE).replace(written, instead))

    assert told.startswith("FILE, line ")
    assert mistake in told
    assert "hush" not in told
    assert "word@" not in told


@pytest.mark.parametrize(
    "scheme",
    ["file", "exec", "dbus", "macosx", "syslog", "rsyslog", "windows", "json", "xml", "form", "mailto", "ntfy"],
)
def test_apprise_reaches_services_on_the_internet_only(file: Path, scheme: str) -> None:
    def hidden(kind: str, name: str) -> str:
        return f"{scheme}://localhost/token-of-mine"

    file.write_text("channels: {other: {kind: apprise, url: {env: APPRISE_URL}}}\nrules: []\n")
    with pytest.raises(RulesInvalid, match=r"channel 'other', url is of a service that is not allowed") as raised:
        read_rules(file, hidden)

    assert "token-of-mine" not in str(raised.value)


def test_names_of_rules_are_not_used_twice(file: Path) -> None:
    twice = RULE + RULE.replace("rules:\n", "")

    assert "line 19: rule 'what failed', name is the name of an earlier rule too." in mistakes(file, CHANNELS + twice)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("channels: [", "FILE, line 2: this is not YAML"),
        ("", "FILE, line 1: the text is empty."),
        ("a: &x 1\nb: *x", "FILE, line 1: the anchor &x stands here"),
        ("just words", "FILE, line 1: Input should be"),
    ],
)
def test_what_is_no_file_of_rules_is_refused(file: Path, text: str, mistake: str) -> None:
    assert mistakes(file, text).startswith(mistake)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RulesInvalid, match=r"no-such\.yaml cannot be read: No such file"):
        read_rules(tmp_path / "no-such.yaml", reveal)


@pytest.mark.parametrize("field", ["subject", "body", "html"])
def test_a_template_of_five_megabytes_is_refused(file: Path, field: str) -> None:
    told = mistakes(file, CHANNELS + RULE + f'    template: {{{field}: "{"x" * 5_000_000}"}}\n')

    assert told == f"FILE, line 18: rule 'what failed', template.{field} has 5000000 bytes; a template may have 65536."


@pytest.mark.parametrize(
    ("template", "mistake"),
    [
        ("{{ ''.__class__ }}", "uses on line 1 the name '__class__', which is private."),
        ("{% for i in range(10**9) %}x{% endfor %}", "uses on line 1 `pow`"),
        ("{{ payload.cod }}", "cannot be rendered: 'dict object' has no attribute 'cod' (for workflow_failed)."),
        ("{{ event.type", "cannot be rendered, on line 1: "),
    ],
)
def test_a_template_that_cannot_be_rendered_is_refused_with_its_rule(file: Path, template: str, mistake: str) -> None:
    told = mistakes(file, CHANNELS + RULE + f'    template: {{body: "{template}"}}\n')

    assert told.startswith("FILE, line 18: rule 'what failed', template.body ")
    assert mistake in told


def test_a_template_is_tried_for_every_event_of_its_rule(file: Path) -> None:
    several = RULE.replace("[failed]", "[completed, failed]") + '    template: {body: "{{ payload.category }}"}\n'

    assert "has no attribute 'category' (for workflow_completed)." in mistakes(file, CHANNELS + several)


def test_all_mistakes_are_named_at_once_up_to_a_number(file: Path) -> None:
    rules = "rules:\n" + "  - {}\n" * 30

    told = mistakes(file, CHANNELS + rules)

    assert told.count("\n") == 20
    assert told.endswith("There are 100 mistakes more.")
