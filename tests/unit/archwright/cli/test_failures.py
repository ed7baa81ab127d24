from __future__ import annotations

import pytest

from archwright.cli.failures import InFile, about, tell, told
from archwright.errors import DefinitionInvalid, RequestInvalid, Violation


@pytest.mark.parametrize(
    ("violation", "line"),
    [
        (
            Violation("steps[2].next", "there is no step 'desing'", 12, 11),
            "d.yaml:12:11: steps[2].next: there is no step 'desing'",
        ),
        (Violation("input.age", "input.age must be a number", 3, 6), "d.yaml:3:6: input.age must be a number"),
        (Violation("input.age", "must be a number"), "d.yaml: input.age: must be a number"),
        (Violation("", "the text is empty", 1, 1), "d.yaml:1:1: the text is empty"),
    ],
)
def test_a_violation_is_told_as_editors_understand_it(violation: Violation, line: str) -> None:
    assert told(violation, "d.yaml") == line


def test_an_error_is_told_on_standard_error_with_one_line_per_violation(capsys: pytest.CaptureFixture[str]) -> None:
    tell(DefinitionInvalid("It has 1 problem.", violations=[Violation("name", "is missing", 1, 1)]), "d.yaml")

    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "archwright: It has 1 problem.\nd.yaml:1:1: name: is missing\n"


def test_an_error_with_violations_is_told_with_the_file_that_it_is_about() -> None:
    with pytest.raises(InFile) as caught, about("d.yaml"):
        raise DefinitionInvalid("…", violations=[Violation("name", "is missing")])

    assert caught.value.file == "d.yaml"


def test_an_error_without_a_place_stays_what_it_is() -> None:
    with pytest.raises(RequestInvalid), about("d.yaml"):
        raise RequestInvalid("…")
