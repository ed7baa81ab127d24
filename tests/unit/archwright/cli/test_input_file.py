from __future__ import annotations

import pytest

from archwright.cli.input_file import InputFile, read_text
from archwright.errors import InputMismatch, PayloadInvalid, RequestInvalid, Violation

CLAIMS = """\
request: An online claims platform
customers:
  - name: Ada
  - name: Grace
    age: ten
"""


def test_yaml_and_json_are_read_alike() -> None:
    assert InputFile("request: hello").content() == InputFile('{"request": "hello"}').content()


def test_malformed_yaml_is_told_with_its_line_and_column() -> None:
    with pytest.raises(PayloadInvalid) as caught:
        InputFile("title: Claims\nrequest: one: two")

    assert [(violation.line, violation.column) for violation in caught.value.violations] == [(2, 13)]


@pytest.mark.parametrize("text", ["- a\n- list\n", "just words", "42"])
def test_an_input_that_is_no_mapping_is_refused(text: str) -> None:
    with pytest.raises(PayloadInvalid) as caught:
        InputFile(text).content()

    assert "mapping of names" in caught.value.violations[0].description


@pytest.mark.parametrize(
    ("field", "place"),
    [
        ("input.customers[1].age", (5, 10)),
        ("input.request", (1, 10)),
        ("input.customers[1].address", (4, 5)),
        ("input", (1, 1)),
    ],
)
def test_what_the_engine_refuses_is_found_in_the_file(field: str, place: tuple[int, int]) -> None:
    error = InputFile(CLAIMS).placed(InputMismatch("…", violations=[Violation(field, "is wrong")]))

    assert (error.violations[0].line, error.violations[0].column) == place


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(RequestInvalid, match=r"'nowhere\.yaml' cannot be read: No such file"):
        read_text("nowhere.yaml")
