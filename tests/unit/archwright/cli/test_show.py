from __future__ import annotations

import json

import pytest

from archwright.cli import show
from archwright.engine.v1.workflows_pb2 import Workflow
from archwright.payloads import to_struct


def test_whole_numbers_are_printed_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    show.json(Workflow(input=to_struct({"amount": 3, "rate": 0.5, "rows": [1, {"n": 2}]})))

    printed = capsys.readouterr().out
    assert json.loads(printed)["input"] == {"amount": 3, "rate": 0.5, "rows": [1, {"n": 2}]}
    assert ".0" not in printed
