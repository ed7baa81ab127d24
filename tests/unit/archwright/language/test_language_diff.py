"""How two definitions differ."""

from __future__ import annotations

import copy
import difflib
import time
from collections.abc import Iterator
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from random_definitions import definitions, sound_definitions

from archwright.language.diff import LINES_MAX, Change, ChangeKind, diff, unified
from archwright.language.document import document
from archwright.language.model import Definition
from archwright.language.parse import parse
from archwright.language.yaml_writing import write_yaml

# Definitions take a while to draw, longer where others work on the same machine.
patient = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])

ADDED, REMOVED, CHANGED, MOVED = ChangeKind.ADDED, ChangeKind.REMOVED, ChangeKind.CHANGED, ChangeKind.MOVED

BASE = """
name: claim
version: 1.0.0
input_schema: {type: object, required: [amount], properties: {amount: {type: number, minimum: 0}}}
steps:
  - {name: review, agent: reviewer, timeout_seconds: 60, retry_policy: {max_attempts: 2}}
  - name: both
    parallel:
      branches:
        left: [{name: weigh, agent: scales}]
        right: [{name: look, agent: camera}]
  - {name: pay, agent: payments, fallback: {name: owe, agent: debts}, on_failure: fallback}
  - {name: tell, agent: postman}
"""


def read(source: str) -> dict[str, Any]:
    return document(parse(source))


def changes(*replacements: tuple[str, str]) -> list[tuple[ChangeKind, str, str]]:
    """Return what replacing texts in the definition comes to."""
    source = BASE
    for old, new in replacements:
        assert old in source
        source = source.replace(old, new)
    return [(each.kind, each.step, each.field) for each in diff(read(BASE), read(source))]


def test_what_says_the_same_does_not_differ() -> None:
    assert changes(("timeout_seconds: 60", "timeout_seconds:   60")) == []


def test_fields_are_told_one_by_one() -> None:
    assert changes(
        ("1.0.0", "1.1.0"),
        ("timeout_seconds: 60", "timeout_seconds: 90, priority: high"),
        ("max_attempts: 2", "max_attempts: 5"),
    ) == [
        (CHANGED, "", "version"),
        (CHANGED, "review", "timeout_seconds"),
        (CHANGED, "review", "retry_policy.max_attempts"),
        (ADDED, "review", "priority"),
    ]


def test_the_values_before_and_after_are_told() -> None:
    [change] = diff(read(BASE), read(BASE.replace("agent: postman", "agent: pigeon")))

    assert change == Change(CHANGED, "tell", "agent", "postman", "pigeon")


def test_schemas_are_told_by_their_own_paths() -> None:
    found = diff(
        read(BASE),
        read(BASE.replace("minimum: 0", "minimum: 1").replace("agent: scales", "agent: scales, output_schema: {}")),
    )

    assert [(each.kind, each.step, each.field, each.is_about_schema) for each in found] == [
        (CHANGED, "", "input_schema.properties.amount.minimum", True),
        (ADDED, "weigh", "output_schema", True),
    ]


def test_steps_that_come_and_go_are_told_whole() -> None:
    found = diff(read(BASE), read(BASE.replace("- {name: tell, agent: postman}", "- {name: call, agent: operator}")))

    assert found == (
        Change(REMOVED, "tell", before={"agent": "postman"}),
        Change(ADDED, "call", after={"agent": "operator"}),
    )


def test_steps_within_steps_are_told_by_their_own_names() -> None:
    assert changes(("{name: look, agent: camera}", "{name: look, agent: eyes}, {name: note, agent: camera}")) == [
        (CHANGED, "look", "agent"),
        (ADDED, "note", ""),
    ]
    assert changes(("agent: debts", "agent: lawyers")) == [(CHANGED, "owe", "agent")]


def test_a_step_that_goes_into_another_body_has_moved() -> None:
    source = BASE.replace("  - {name: tell, agent: postman}\n", "").replace(
        "{name: weigh, agent: scales}", "{name: weigh, agent: scales}, {name: tell, agent: postman}"
    )

    [change] = diff(read(BASE), read(source))

    assert (change.kind, change.step) == (MOVED, "tell")
    assert (change.before, change.after) == ({"in": "", "after": "pay"}, {"in": "both.left", "after": "weigh"})


def test_as_few_steps_as_possible_have_moved() -> None:
    steps = [f"  - {{name: s{number}, agent: a}}\n" for number in range(5)]
    before = "name: x\nsteps:\n" + "".join(steps)
    after = "name: x\nsteps:\n" + "".join([steps[4], *steps[:4]])

    assert [(each.kind, each.step) for each in diff(read(before), read(after))] == [(MOVED, "s4")]


def test_a_truth_value_is_no_number() -> None:
    before, after = (f"name: x\nsteps: [{{name: s, set: {{a: {value}}}}}]" for value in ("1", "true"))

    assert [each.field for each in diff(read(before), read(after))] == ["set.a"]


@patient
@given(definitions)
def test_a_definition_does_not_differ_from_itself(definition: Definition) -> None:
    said = document(definition)

    assert diff(said, said) == ()
    assert unified(said, said, before_name="a", after_name="b") == ""


@patient
@given(sound_definitions(), st.data())
def test_whatever_is_altered_is_told(definition: Definition, data: st.DataObject) -> None:
    before, after = document(definition), altered(document(definition), data)

    assert len(diff(before, after)) == 1


@patient
@given(definitions, st.data())
def test_the_text_makes_the_one_into_the_other(definition: Definition, data: st.DataObject) -> None:
    before, after = document(definition), altered(altered(document(definition), data), data)

    text = unified(before, after, before_name="a", after_name="b")

    assert text is not None
    assert applied(text, write_yaml(before)) == write_yaml(after)


def test_the_text_counts_lines_of_the_whole() -> None:
    many = "".join(f"  - {{name: s{number}, agent: a}}\n" for number in range(200))
    source = f"name: x\nsteps:\n{many}"
    before, after = read(source), read(source.replace("name: s150, agent: a", "name: s150, agent: b"))

    text = unified(before, after, before_name="x@1", after_name="x@2")

    old, new = (write_yaml(each).splitlines(keepends=True) for each in (before, after))
    expected = difflib.unified_diff(old, new, "x@1", "x@2")
    assert text == "".join(expected)


def test_large_definitions_that_have_nothing_in_common_are_not_laid_side_by_side() -> None:
    before, after = (
        read(
            "name: x\nsteps:\n"
            + "".join(f"  - {{name: {word}{number}, agent: {word}}}\n" for number in range(LINES_MAX))
        )
        for word in ("a", "b")
    )
    began = time.perf_counter()

    assert unified(before, after, before_name="a", after_name="b") is None
    assert len(diff(before, after)) == 2 * LINES_MAX
    assert time.perf_counter() - began < 20


def applied(text: str, source: str) -> str:
    """Apply a difference in the unified format, and hold its head lines to what they say."""
    old = source.splitlines(keepends=True)
    new: list[str] = []
    at = 0
    for line in text.splitlines(keepends=True)[2:]:
        if line.startswith("@@"):
            first = int(line.split()[1].lstrip("-").partition(",")[0])
            new += old[at : first - 1]
            at = first - 1
            assert len(new) + 1 == int(line.split()[2].lstrip("+").partition(",")[0])
            continue
        if line[0] in " -":
            assert old[at] == line[1:]
            at += 1
        if line[0] in " +":
            new.append(line[1:])
    return "".join(new + old[at:])


def altered(said: dict[str, Any], data: st.DataObject) -> dict[str, Any]:
    """Return a document in which one value is another; steps keep their names."""
    places = [*_values(said, ())]
    place = data.draw(st.sampled_from(places)) if places else ("version",)
    made = copy.deepcopy(said)
    holder: Any = made
    for part in place[:-1]:
        holder = holder[part]
    holder[place[-1]] = f"something else than {holder[place[-1]]!r}"
    return made


def _values(said: Any, place: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    match said:
        case dict():
            for key, value in said.items():
                if key != "name":
                    yield from _values(value, (*place, key))
        case list():
            for number, value in enumerate(said):
                yield from _values(value, (*place, number))
        case _:
            yield place
