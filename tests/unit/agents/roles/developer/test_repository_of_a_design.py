"""The repository: it compiles, its own tests pass, its parts parse, and it serves what was designed."""

import ast
import csv
import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from urllib.request import Request, urlopen

import pytest
import yaml
from openapi_spec_validator import validate

from archwright.agents.v1.business_analyst_pb2 import Requirement, RequirementsSpec
from archwright.agents.v1.developer_pb2 import DeliveryScaffold
from archwright.agents.v1.model_pb2 import Fact
from archwright.agents.v1.output_pb2 import AgentOutput
from archwright.agents.v1.solution_architect_pb2 import Decision, DecisionOption, SolutionArchitecture
from services.agents.knowledge.load import table
from services.agents.roles.application_architect.deliverable import produce as design_applications
from services.agents.roles.developer.deliverable import produce
from services.agents.roles.developer.repository import BYTES_MAX
from services.agents.roles.developer.terraform import FREE, TerraformTable
from services.agents.roles.infrastructure_architect.deliverable import produce as place

Maker = Callable[..., AgentOutput]
OUR_MODULES = {"kernel", "components", "conftest", "samples"}
HOSTILE = (
    ("reader", "submit", 'ticket"""', "and '; DROP TABLE x; -- {{ 7 * 7 }} {% raw %} \\ \x07 <script>"),
    ("клерк", "register", "../../etc/passwd", "\u202e=cmd|' /C calc'!A0"),
    ("reader", "import", "class", "for lambda"),
    ("reader", "order", "order", "by token"),
)


def built(requirements: AgentOutput, business: AgentOutput | None = None) -> AgentOutput:
    applications = design_applications(requirements, business)
    return produce(requirements, applications, place(requirements, applications), None)


def written(scaffold: DeliveryScaffold, folder: Path) -> Path:
    for one in scaffold.files:
        path = folder / one.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(one.content, encoding="utf-8")
    return folder


def own_tests(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the repository's tests with nothing but itself, pytest and the standard library."""
    environment = {"PATH": os.environ["PATH"], "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "HOME": str(folder)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture(scope="module")
def content(scaffold: DeliveryScaffold) -> dict[str, str]:
    return {one.path: one.content for one in scaffold.files}


@pytest.fixture(scope="module")
def repository(scaffold: DeliveryScaffold, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(scaffold, tmp_path_factory.mktemp("repository"))


@pytest.fixture(scope="module")
def scaffold(claims_once: AgentOutput) -> DeliveryScaffold:
    return built(claims_once).scaffold


def test_its_own_tests_pass(repository: Path) -> None:
    outcome = own_tests(repository)

    assert outcome.returncode == 0, outcome.stdout[-3000:]


def test_every_python_file_compiles_and_needs_the_standard_library_only(content: dict[str, str]) -> None:
    allowed = sys.stdlib_module_names | OUR_MODULES | {"pytest"}
    for path, text in content.items():
        if path.endswith(".py"):
            for node in ast.walk(ast.parse(text, path)):
                if isinstance(node, ast.Import):
                    assert {one.name.split(".")[0] for one in node.names} <= allowed
                elif isinstance(node, ast.ImportFrom):
                    assert (node.module or "").split(".")[0] in allowed


def test_a_linter_finds_nothing(repository: Path) -> None:
    ruff = shutil.which("ruff", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if ruff is None:
        pytest.skip("ruff is not installed")

    outcome = subprocess.run(
        [ruff, "check", "--no-cache", "."], cwd=repository, capture_output=True, text=True, check=False
    )

    assert outcome.returncode == 0, outcome.stdout


def test_every_file_that_machines_read_parses(content: dict[str, str]) -> None:
    for path, text in content.items():
        match Path(path).suffix:
            case ".json":
                json.loads(text)
            case ".yaml":
                yaml.safe_load(text)
            case ".csv":
                widths = {len(row) for row in csv.reader(io.StringIO(text))}
                assert len(widths) == 1


def test_every_description_of_an_interface_is_valid(content: dict[str, str], scaffold: DeliveryScaffold) -> None:
    assert scaffold.openapi
    for one in scaffold.openapi:
        validate(json.loads(content[one.path]))


def test_the_migrations_make_their_tables(content: dict[str, str], scaffold: DeliveryScaffold) -> None:
    database = sqlite3.connect(":memory:")
    for one in scaffold.migrations:
        database.executescript(content[one.path])
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    database.close()

    assert {"claims", "customers", "notifications"} <= tables


def test_every_must_requirement_has_a_test_that_is_there(
    claims_once: AgentOutput, content: dict[str, str], scaffold: DeliveryScaffold
) -> None:
    musts = {one.id for one in claims_once.requirements.requirements if one.priority == Requirement.MUST}

    assert musts <= {one.req_id for one in scaffold.test_map}
    for one in scaffold.test_map:
        assert f"def {one.test_name}(" in content[one.test_path]
    names = [(one.test_path, one.test_name) for one in scaffold.test_map]
    assert len(names) == len(set(names))


def test_no_path_leads_out_and_no_content_is_a_secret(content: dict[str, str]) -> None:
    for path, text in content.items():
        parts = PurePosixPath(path).parts
        assert not path.startswith("/")
        assert ".." not in parts
        assert "\\" not in path
        assert "PRIVATE KEY" not in text
    assert "password:" not in content["compose.yaml"].replace("database_password:", "")


def test_every_file_has_its_digest_and_the_whole_fits_an_output(scaffold: DeliveryScaffold) -> None:
    assert all(one.sha256 == hashlib.sha256(one.content.encode()).hexdigest() for one in scaffold.files)
    assert sum(len(one.content.encode()) for one in scaffold.files) <= BYTES_MAX
    paths = [one.path for one in scaffold.files]
    assert paths == sorted(set(paths))


def test_the_terraform_module_makes_what_is_priced_and_refers_to_what_is_there(content: dict[str, str]) -> None:
    module = json.loads(content["infrastructure/main.tf.json"])
    priced = set(table("terraform", TerraformTable).providers["aws"].resources)

    assert set(module["resource"]) <= priced | FREE
    text = content["infrastructure/main.tf.json"]
    for piece in text.split("${")[1:]:
        kind, name, *_ = f"{piece.split('}')[0]}.".split(".")
        declared = module["variable"] if kind == "var" else module["resource"][kind]
        assert name in declared


def test_the_served_system_takes_a_claim_over_http(repository: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 48)
    environment = {
        "PATH": os.environ["PATH"], "TOKEN_KEY_FILE": str(key), "PORT": "0",
        "DATABASE_URL": f"sqlite:///{tmp_path}/data.sqlite",
    }  # fmt: skip
    token = subprocess.run(
        [sys.executable, "-m", "kernel.tokens"],
        cwd=repository,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    with subprocess.Popen(
        [sys.executable, "-m", "components"], cwd=repository, env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            address = process.stdout.readline().split()[-1]
            claim = json.dumps({"claim_number": "C-1", "loss_description": "Hail"}).encode()
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            with urlopen(Request(f"{address}/claims", claim, headers), timeout=10) as answer:
                made = json.load(answer)
            with urlopen(Request(f"{address}/claims/{made['id']}", headers=headers), timeout=10) as answer:
                read = json.load(answer)
        finally:
            process.terminate()

    assert read == made
    assert (made["status"], made["claim_number"]) == ("open", "C-1")


def test_the_same_design_gives_the_same_bytes(claims_once: AgentOutput) -> None:
    first = built(claims_once).SerializeToString(deterministic=True)

    assert built(claims_once).SerializeToString(deterministic=True) == first


def test_a_backlog_entry_stands_for_every_function(claims_once: AgentOutput, scaffold: DeliveryScaffold) -> None:
    functions = {one.id for one in claims_once.requirements.requirements if one.kind == Requirement.FUNCTIONAL}

    assert functions <= {req_id for one in scaffold.backlog for req_id in one.req_ids}
    assert [one.id for one in scaffold.backlog] == [f"US-{at:03d}" for at in range(1, len(scaffold.backlog) + 1)]


@pytest.mark.parametrize("cloud", ["aws", "azure", "gcp", "onprem"])
def test_the_tests_pass_for_every_provider(make_requirements: Maker, tmp_path: Path, cloud: str) -> None:
    sentences = (("clerk", "register", "parcel", "with its weight"), ("clerk", "dispatch", "parcel", "to a driver"))
    facts = (Fact(kind=Fact.CLOUD, value=cloud), Fact(kind=Fact.AVAILABILITY, value="99.99", number=99.99))

    scaffold = built(make_requirements(sentences, facts)).scaffold
    outcome = own_tests(written(scaffold, tmp_path))

    assert outcome.returncode == 0, outcome.stdout[-3000:]
    assert bool(scaffold.iac) is (cloud != "onprem")


def test_the_tests_pass_for_a_request_that_says_nothing(tmp_path: Path) -> None:
    scaffold = built(AgentOutput(requirements=RequirementsSpec())).scaffold

    assert own_tests(written(scaffold, tmp_path)).returncode == 0


def test_hostile_words_stay_words(make_requirements: Maker, tmp_path: Path) -> None:
    scaffold = built(make_requirements(HOSTILE)).scaffold

    outcome = own_tests(written(scaffold, tmp_path))

    assert outcome.returncode == 0, outcome.stdout[-3000:]
    assert all(".." not in PurePosixPath(one.path).parts for one in scaffold.files)
    assert "{{ 7 * 7 }}" in "".join(one.content for one in scaffold.files if one.path.startswith("components"))


def test_decisions_come_along_as_records(claims_once: AgentOutput) -> None:
    decision = Decision(
        id="ADR-001", title="Style | of the system", status="accepted", drivers=["REQ-Q-001"],
        chosen="modular_monolith",
        options=[DecisionOption(name="modular_monolith", scores={"time": 5}, total=15, pros=["simple"])],
    )  # fmt: skip
    solution = AgentOutput(solution=SolutionArchitecture(decisions=[decision]))
    applications = design_applications(claims_once)

    output = produce(claims_once, applications, place(claims_once, applications), solution)

    record = next(one for one in output.scaffold.files if one.path == "docs/decisions/adr-001.md")
    assert "Style / of the system" in record.content
    assert "| modular_monolith | 5 | 15 | simple |" in record.content
    assert not output.degraded


def test_without_any_design_there_is_ground_to_stand_on_and_the_gaps_are_named(tmp_path: Path) -> None:
    output = produce(None, None)

    assert output.degraded
    assert [one.subject_ids[0] for one in output.findings if one.code == "INPUT_MISSING"] == [
        "requirements", "application", "infrastructure", "solution",
    ]  # fmt: skip
    assert not output.scaffold.openapi
    written(output.scaffold, tmp_path)
    assert all(
        compile(one.content, one.path, "exec")
        for one in output.scaffold.files
        if one.language == "python" and one.content
    )
