"""A file of rules is right, or is refused naming file, line, rule and field; the guide's is right."""

from __future__ import annotations

from pathlib import Path

import pytest
from documents import blocks

from services.chassis.rules_file import RulesInvalid
from services.repository.domain.rules import Rules
from services.repository.rules_file import read_rules

LEAST = """
rules:
  - name: models
    tenant: acme
    definitions: [a]
    repository: /srv/models.git
    token_file: {token}
"""


def reveal(kind: str, name: str) -> str:
    if name == "GONE":
        raise ValueError(f"stands in the environment variable {name}, which is empty or not there")
    return "hunter2"


def rules_of(folder: Path, text: str) -> Rules:
    token = folder / "token"
    token.write_text("t")
    file = folder / "rules.yaml"
    file.write_text(text.replace("{token}", str(token)))
    return read_rules(file, reveal)


def test_the_file_of_the_guide_is_right(tmp_path: Path) -> None:
    [text] = blocks("docs/model-repository.md", "Rules", "yaml")
    for name in ("acme", "globex"):
        text = text.replace(f"/run/secrets/{name}-viewer.token", "{token}")

    [architecture] = rules_of(tmp_path, text).concerned(tenant="acme", definition_name="review_of_claims")

    assert architecture.folder == "models/proposed"
    assert architecture.password is not None
    assert architecture.password.get_secret_value() == "hunter2"


def test_what_is_left_out_is_as_the_guide_says(tmp_path: Path) -> None:
    [rule] = rules_of(tmp_path, LEAST).rules

    assert (rule.folder, rule.base, rule.limits.files, rule.limits.bytes) == ("architecture", None, 1_000, 64 << 20)
    assert f"{rule.author.name} <{rule.author.email}>" == "Archwright <archwright@localhost>"
    assert not rule.concerns(tenant="globex", definition_name="a")
    assert not rule.concerns(tenant="acme", definition_name="b")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("name: models", "name: models\n    colour: red", "rule 'models', colour is no field that is known here"),
        ("    tenant: acme\n", "", "rule 'models', tenant is missing"),
        ("tenant: acme", 'tenant: "*"', "rule 'models', tenant"),
        ("definitions: [a]", "definitions: []", "rule 'models', definitions"),
        ("/srv/models.git", "models.git", "repository is no https://"),
        ("/srv/models.git", "git://host/models.git", "repository is no https://"),
        ("/srv/models.git", "https://host", "repository is no https://"),
        ("/srv/models.git", "https://a:b@host/models.git", "repository holds credentials"),
        ("/srv/models.git", "https://host/m.git\n    user: ann", "one of `user` and `password`"),
        (
            "/srv/models.git",
            "http://host/m.git\n    user: ann\n    password: {env: P}",
            "would send its password in clear",
        ),
        ("/srv/models.git", "ssh://host/m.git\n    user: ann\n    password: {env: P}", "only https:// takes"),
        ("/srv/models.git", "https://host/m.git\n    user: a\n    password: hunter2", "password is a secret"),
        ("/srv/models.git", "https://host/m.git\n    user: a\n    password: {env: GONE}", "variable GONE"),
        ("/srv/models.git", "/srv/models.git\n    key_file: /nowhere/key", "key_file /nowhere/key is no file"),
        ("/srv/models.git", "/srv/models.git\n    folder: ../up", "folder The path '../up' is refused"),
        ("/srv/models.git", "/srv/models.git\n    base: a..b", "base 'a..b' is no name of a branch"),
        ("/srv/models.git", "/srv/models.git\n    author: {email: nobody}", "author.email 'nobody' is no address"),
        ("/srv/models.git", "/srv/models.git\n    limits: {files: 0}", "limits.files"),
        ("token_file: {token}", "token_file: /nowhere/token", "token_file /nowhere/token is no file"),
    ],
)
def test_a_wrong_file_is_refused_naming_the_field(tmp_path: Path, old: str, new: str, says: str) -> None:
    with pytest.raises(RulesInvalid) as raised:
        rules_of(tmp_path, LEAST.replace(old, new))

    assert says in str(raised.value)
    assert str(raised.value).startswith(f"{tmp_path / 'rules.yaml'}, line ")
    assert "hunter2" not in str(raised.value)


def test_names_are_used_once_and_repositories_by_one_tenant(tmp_path: Path) -> None:
    twice = LEAST + LEAST.removeprefix("\nrules:").replace("acme", "globex")

    with pytest.raises(RulesInvalid) as raised:
        rules_of(tmp_path, twice)

    assert "rule 'models', name is the name of an earlier rule too" in str(raised.value)
    assert "repository is that of the tenant 'acme' already" in str(raised.value)
