"""What the analyst makes of texts is judged against what people marked in them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from library import LIBRARY

ROOT = Path(__file__).resolve().parents[3]
REQUIREMENTS = """requirement,label
The shop shall list all open orders.,F
The clerk shall be able to delete an order.,F
Pages must load within 2 seconds.,PE
The shop must be available 99.9 % of the time.,A
Nothing shall be encrypted without telling why,F
"""
STORY = "#G1# As a lender, I want to quickly fill out the loan forms of a school, so that it gets books."
REQUEST = {
    "id": "library",
    "text": "A library wants a system for its readers and 40 volunteers.\nRequirements:\n"
    "- readers reserve books\n- fines are paid with Stripe",
    "expected": {
        "numbers": [{"value": 40, "unit": "volunteers", "op": "="}, {"value": 41, "unit": "volunteers"}],
        "actors": ["reader", "volunteer", "mayor"],
        "entities": ["book", "fine"],
        "external": ["stripe"],
    },
}


def span(at: int, label: str, words: str) -> Mapping[str, Any]:
    start = STORY.index(words)
    return {"id": at, "label": label, "start_offset": start, "end_offset": start + len(words)}


def judged(*command: str | Path) -> Any:
    done = run(*command)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *command], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_requirements_are_told_apart_as_people_do(tmp_path: Path) -> None:
    file = tmp_path / "requirements.csv"
    file.write_text(REQUIREMENTS)

    found = judged("requirements", "--csv", file)

    assert (found["requirements"], found["two_class_accuracy"], found["twelve_class_accuracy"]) == (5, 0.8, 0.8)
    assert found["recall"] == {"A": 1.0, "F": 0.6667, "PE": 1.0}


@pytest.mark.parametrize(
    ("persona", "action", "entity", "shares"),
    [
        ("lender", "quickly fill out", "the loan forms", (1.0, 1.0, 1.0)),
        ("As a", "want", "books", (0.0, 0.0, 0.0)),
    ],
    ids=["all as people say", "nothing as people say"],
)
def test_stories_are_read_as_people_do(
    persona: str, action: str, entity: str, shares: tuple[float, ...], tmp_path: Path
) -> None:
    story = {
        "text": STORY,
        "entities": [span(1, "Persona", persona), span(2, "Action", action), span(3, "Entity", entity)],
        "relations": [{"type": "triggers", "from_id": 1, "to_id": 2}, {"type": "targets", "from_id": 2, "to_id": 3}],
    }
    file = tmp_path / "stories.jsonl"
    file.write_text(json.dumps(story) + "\n\n")

    found = judged("stories", "--jsonl", file)

    assert (found["stories"], found["persona"], found["action"], found["entity"]) == (1, *shares)


def test_what_a_request_holds_is_found_and_what_it_does_not_is_missed(tmp_path: Path) -> None:
    file = tmp_path / "requests.json"
    file.write_text(json.dumps([REQUEST]))

    found = judged("creation", "--requests", file)

    assert (found["numbers_found"], found["numbers_total"]) == (1, 2)
    assert (found["actors_recall"], found["entities_recall"], found["externals_recall"]) == (0.6667, 1.0, 1.0)
    assert found["missed"] == ["library: numbers {'value': 41, 'unit': 'volunteers'}", "library: actors mayor"]


def test_what_a_change_reaches_is_held_against_what_it_must_and_must_not(tmp_path: Path) -> None:
    (tmp_path / "library.archimate").write_text(LIBRARY)
    case = {
        "id": "retire",
        "model": "models/library.archimate",
        "request": "Retire the Old Server.",
        "seeds": [{"ids": ["server"]}],
        "must_impact": [{"ids": ["search"], "name": "Search Service", "type": "ApplicationService"}, {"ids": ["part"]}],
        "must_not_impact": [{"ids": ["backup"]}, {"ids": ["lend"], "name": "Lend book", "type": "BusinessProcess"}],
    }
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps([case]))

    found = judged("impact", "--cases", cases, "--models", tmp_path)

    assert (found["must_found"], found["must_total"], found["must_not_hit"]) == (2, 2, 2)
    assert found["seeds_found"] == found["seeds_total"] == 1
    assert found["details"][0]["wrong"] == ["", "BusinessProcess Lend book"]


def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    cases = tmp_path / "cases.json"
    cases.write_text(json.dumps([{"model": "gone.xml", "request": "x", "must_impact": []}]))

    done = run("impact", "--cases", cases, "--models", tmp_path)

    assert done.returncode == 1
    assert "There is no model 'gone.xml' in" in done.stderr


@pytest.mark.parametrize(
    ("command", "text", "complaint"),
    [
        (("requirements", "--csv"), "a,b\n1,2\n", "has no column 'requirement'; it needs requirement, label."),
        (("requirements", "--csv"), "requirement,label\n", "has no rows."),
        (("stories", "--jsonl"), "{\n", "line 1 is not JSON"),
        (("stories", "--jsonl"), "[]\n", "line 1 must hold an object."),
        (("stories", "--jsonl"), "{}\n", "story 1 lacks 'text'; it needs text, entities with spans, and relations."),
        (("stories", "--jsonl"), "\n", "has no stories."),
        (("creation", "--requests"), "{}", "must hold a list of objects, and one at least."),
        (("creation", "--requests"), '[{"text": "x"}]', "request 1 is not of the form: id, text, expected"),
    ],
)
def test_a_file_of_another_form_is_refused_in_clear_words(
    command: tuple[str, ...], text: str, complaint: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text(text)

    done = run(*command, file)

    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
