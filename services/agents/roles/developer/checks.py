"""What a repository must be to be right: it stays in its folder, it compiles, and it proves what must be there."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from archwright.agents.v1.business_analyst_pb2 import Requirement
from archwright.agents.v1.developer_pb2 import ScaffoldFile
from archwright.agents.v1.model_pb2 import Finding
from archwright.agents.v1.output_pb2 import AgentOutput
from services.agents.validation.given import Given, wrong

_SECRET = re.compile(r"AKIA[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----|(?i:password\s*[:=]\s*[\"'][^\"'{$<]{6,})")


def check(output: AgentOutput, given: Given) -> Iterator[Finding]:
    """Yield what is wrong with a repository. Files whose text did not come along are judged by their paths."""
    made = output.scaffold
    for file in made.files:
        yield from _file(file)
    proved = {one.req_id for one in made.test_map}
    for one in given.of("requirements").requirements.requirements:
        if one.priority == Requirement.MUST and one.id not in proved:
            yield wrong("NOT_PROVED", f"No test is about {one.id}, which must be there.", one.id)
    paths = {file.path for file in made.files}
    for test in made.test_map:
        if test.test_path not in paths:
            yield wrong("TEST_MISSING", f"{test.test_path} is named as a proof and does not exist.", test.req_id)


def _file(file: ScaffoldFile) -> Iterator[Finding]:
    path = PurePosixPath(file.path)
    if path.is_absolute() or ".." in path.parts or "\\" in file.path or not file.path:
        yield wrong("PATH_ESCAPES", f"{file.path!r} is not within the repository.", file.path)
    if not file.content:
        return
    if hashlib.sha256(file.content.encode()).hexdigest() != file.sha256:
        yield wrong("HASH_UNTRUE", f"{file.path} has not the SHA-256 that is said.", file.path)
    if _SECRET.search(file.content):
        yield wrong("SECRET", f"{file.path} holds what looks like a secret.", file.path)
    if path.suffix == ".py":
        try:
            compile(file.content, file.path, "exec", dont_inherit=True)
        except (SyntaxError, ValueError) as error:
            yield wrong("NOT_PYTHON", f"{file.path} does not compile: {error}", file.path)
