"""Logs are one JSON object per line on standard error, ours and the libraries' alike."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

PROGRAM = """
import logging, structlog
from archwright.serving import logs
logs.configure(service="engine", level="info", form={form!r})
log = structlog.get_logger("engine")
log.debug("too_small")
log.info("call_answered", code="OK")
secret = "swordfish"
try:
    1 / 0
except ZeroDivisionError:
    log.exception("call_failed")
logging.getLogger("some.library").warning("heard %s", "this")
logging.getLogger("sqlalchemy.engine").info("SELECT 1")
"""


def logged(form: str) -> str:
    program = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(form=form)], capture_output=True, text=True, check=True, timeout=60
    )
    assert program.stdout == ""
    return program.stderr


def test_every_line_is_a_fact_with_level_time_and_service() -> None:
    lines = [json.loads(line) for line in logged("json").splitlines()]

    assert [line["event"] for line in lines] == ["call_answered", "call_failed", "heard this"]
    assert [line["level"] for line in lines] == ["info", "error", "warning"]
    assert {line["service"] for line in lines} == {"engine"}
    assert all(line["at"].endswith("Z") for line in lines)
    assert lines[0]["code"] == "OK"


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_shows_no_values(form: str) -> None:
    text = logged(form)

    assert "ZeroDivisionError" in text
    assert "swordfish" not in text
